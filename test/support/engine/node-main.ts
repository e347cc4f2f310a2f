/** The program of an engine that says what its modules do: `engine SCRATCH TREE SEED`. */
import { runLoop } from '../../../src/engine/loop.js';
import { results } from './node-case.js';

type HandOver = (bytes: ArrayBuffer, lasting: boolean) => void;

(globalThis as unknown as { start: unknown }).start = (
  [scratch, tree, seed]: string[],
  _key: string,
  handOver: HandOver,
) => {
  const outcome: { why?: string } = {};
  results(scratch ?? '', tree ?? '', Number(seed)).then(
    (found) => handOver(new TextEncoder().encode(JSON.stringify(found)).buffer, true),
    (error: unknown) => {
      outcome.why = `${error} ${(error as Error).stack}`;
    },
  );
  runLoop();
  return outcome;
};
