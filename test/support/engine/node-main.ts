/** The program of an engine that says what its modules do: `engine SCRATCH TREE SEED`. */
import { runLoop } from '../../../src/engine/loop.js';
import { results } from './node-case.js';

(globalThis as unknown as { start: unknown }).start = ([scratch, tree, seed]: string[]) => {
  const outcome: { entry?: unknown; lasting: boolean; why?: string } = { lasting: true };
  results(scratch ?? '', tree ?? '', Number(seed)).then(
    (found) => {
      outcome.entry = new TextEncoder().encode(JSON.stringify(found)).buffer;
    },
    (error: unknown) => {
      outcome.why = `${error} ${(error as Error).stack}`;
    },
  );
  runLoop();
  return outcome;
};
