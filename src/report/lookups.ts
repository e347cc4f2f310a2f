/**
 * Names that the program looked up although the network is off: the supervisor answered in place of
 * the server and recorded the questions (addon/supervisor/lookups.c).
 */
import { type RefusedCall, readAddress } from '../native/index.js';
import { hostOption } from '../options/index.js';
import { displayText } from '../text/index.js';
import type { ReportRefusal } from './refusal-types.js';
import { timeOf } from './time-of.js';

const dnsPort = 53;

const nameOf = ({ target }: RefusedCall): string | undefined =>
  target?.type === 'name' ? Buffer.from(target.bytes).toString('latin1') : undefined;

const isServer = ({ target, errno }: RefusedCall): boolean =>
  errno === undefined && target?.type === 'address' && readAddress(target.bytes).port === dnsPort;

/**
 * Separates look-ups from other calls. Where names are known, calls to a name server add nothing, and
 * neither does a name with one of the resolver's search domains appended.
 */
export function splitLookups(
  calls: readonly RefusedCall[],
  startedNs?: number | undefined,
): {
  readonly lookups: readonly ReportRefusal[];
  readonly others: readonly RefusedCall[];
} {
  const named = calls.flatMap((refused) => {
    const name = nameOf(refused);
    return name === undefined ? [] : { name, count: refused.count, lastNs: refused.lastNs };
  });
  if (named.length === 0) return { lookups: [], others: calls };
  const plain = named.filter(
    ({ name }) => !named.some((other) => name.startsWith(`${other.name}.`)),
  );
  const lookups = plain.map(
    ({ name, count, lastNs }): ReportRefusal => ({
      kind: 'network',
      call: 'lookup',
      target: displayText(name),
      arguments: {},
      count,
      cause: 'the network is off',
      option: name.endsWith('.arpa') ? undefined : hostOption('name', name),
      ...timeOf(lastNs, startedNs),
    }),
  );
  const others = calls.filter((refused) => nameOf(refused) === undefined && !isServer(refused));
  return { lookups, others };
}
