/** The machine, for a program that asks it the same for each of many runs. */
import {
  type Agreement,
  type RecordedRead,
  type RepeatedHost,
  realHost,
  type StreamKind,
} from '../host/index.js';
import type { Native } from '../native/index.js';
import { isOfTable, readTable } from '../plan/index.js';

/**
 * @param stdio descriptors that become the payload's standard streams
 * @param streams what the caller knows about them
 */
export const repeatedHost = (
  native: Native,
  stdio: readonly [number, number, number],
  streams?: readonly (StreamKind | undefined)[],
): RepeatedHost => ({
  ...realHost({ native, stdio, streams }),
  agreement: (reads) => agreementOf(native, reads),
});

/** One call of the addon in place of one of Node's for each question, a hundred for a run. */
function agreementOf(native: Native, reads: readonly RecordedRead[]): Agreement | undefined {
  const together = reads.filter(isOfTable);
  const table = readTable(together);
  if (table === undefined) return undefined;
  return {
    rest: reads.filter((read) => !isOfTable(read)),
    holds: () => native.readsAgree(table, together.length),
  };
}
