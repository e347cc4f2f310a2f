/**
 * Ends runs with many changed files on another thread, so that they do not block the event loop. A fork of a session
 * has all files of the layers below it, and each of them is linked, examined and compared with the host's.
 *
 * One thread serves all runs: it starts when it is needed, and ends after a while without work. If the process exits
 * before a run has ended, the run counts as interrupted, as after a kill.
 */
import type { Worker } from 'node:worker_threads';
import { installedFile } from '../../host/index.js';
import type { Run } from '../model/index.js';
import { lendRun, returnRun } from '../store/run-directory.js';
import type { Store } from '../store/state-dir.js';
import { type EndAnswer, type EndedApart, type EndRequest, withBuffers } from './end-request.js';
import { fromPlain } from './plain-error.js';
import type { FinishMode, RunEnd } from './run-end.js';

/** Milliseconds that the thread waits for the next run. */
const patienceMs = 2000;

interface Waiting {
  resolve(answer: EndAnswer): void;
  reject(error: unknown): void;
}

class EndThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;
  #idle: NodeJS.Timeout | undefined;

  /** @throws if this process may not start threads */
  constructor(script: string) {
    const threads = process.getBuiltinModule('node:worker_threads');
    // The program's own arguments are not meant for this thread. The environment is: git reads it.
    const { Worker: Thread } = threads;
    this.#worker = new Thread(script, { env: threads.SHARE_ENV, argv: [], execArgv: [] });
    this.#worker.unref();
    this.#worker.on('message', (answer: EndAnswer) => {
      const asked = this.#waiting.get(answer.number);
      this.#waiting.delete(answer.number);
      if (this.#waiting.size === 0) this.#rest();
      asked?.resolve(answer);
    });
    this.#worker.on('error', (error) => this.#over(error));
    this.#worker.on('exit', () => this.#over(new Error('the thread that ends runs has exited')));
  }

  ask(request: Omit<EndRequest, 'number'>): Promise<EndAnswer> {
    const number = this.#next++;
    clearTimeout(this.#idle);
    return new Promise((resolve, reject) => {
      this.#worker.postMessage({ number, ...request });
      this.#waiting.set(number, { resolve, reject });
      this.#worker.ref();
    });
  }

  #rest(): void {
    this.#worker.unref();
    this.#idle = setTimeout(() => {
      this.#over(undefined);
      void this.#worker.terminate();
    }, patienceMs);
    this.#idle.unref();
  }

  #over(error: unknown): void {
    if (thread === this) thread = undefined;
    clearTimeout(this.#idle);
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

let thread: EndThread | undefined;

/** Undefined if there can be none: the bundle lacks the script, or this process may not start threads. */
function endThread(): EndThread | undefined {
  const script = thread === undefined ? installedFile('run-end.js') : undefined;
  if (script === undefined) return thread;
  try {
    thread = new EndThread(script);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_ACCESS_DENIED') throw error;
  }
  return thread;
}

/**
 * Does what `flattenRun` and `endRun` do, on another thread. This thread keeps the run's lock.
 * @returns undefined if there is no other thread
 */
export async function endApart(
  store: Store,
  run: Run,
  end: Omit<RunEnd, 'onProgress'>,
  mode: FinishMode,
): Promise<EndedApart | undefined> {
  const apart = endThread();
  if (apart === undefined) return undefined;
  const { native: _, ...directory } = store;
  const lent = { store: directory, record: run.record, run: lendRun(run) };
  const answer = await apart.ask({ ...lent, end, mode });
  returnRun(store, run, answer.run);
  if (answer.error !== undefined) throw fromPlain(answer.error);
  return withBuffers(answer.ended);
}
