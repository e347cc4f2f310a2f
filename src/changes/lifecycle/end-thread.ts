/**
 * The thread that ends runs with many changed files. end-apart.ts starts it; it is a script of its own. It borrows each
 * run: the lock stays open in the thread that asked.
 */
import { parentPort } from 'node:worker_threads';
import { loadNative } from '../../native/index.js';
import { borrowedRun, lendRun } from '../store/run-directory.js';
import type { EndAnswer, EndedApart, EndRequest } from './end-request.js';
import { endRun } from './finish.js';
import { toPlain } from './plain-error.js';
import { flattenRun } from './stack.js';

function answer(request: EndRequest): EndAnswer {
  const { number, record, end, mode } = request;
  const store = { ...request.store, native: loadNative().native };
  const run = borrowedRun(store, record, request.run);
  const tell = (how: Pick<EndAnswer, 'ended' | 'error'>): EndAnswer => ({
    number,
    run: lendRun(run),
    ...how,
  });
  try {
    const flat = flattenRun(store, run);
    const ended: EndedApart = { record: flat.record, ...endRun(store, flat, end, mode) };
    return tell({ ended, error: undefined });
  } catch (error) {
    return tell({ ended: undefined, error: toPlain(error) });
  }
}

parentPort?.on('message', (request: EndRequest) => parentPort?.postMessage(answer(request)));
