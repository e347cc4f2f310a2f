/**
 * Ends runs with many changed files on another thread, so that the event loop goes on meanwhile: a fork of a session has
 * all files of the layers that it lies on, each of which is linked, looked at and compared with the host's.
 *
 * One thread for all of them: it is started when it is needed, and ends after a while without work. If the process ends
 * before it is done, the run is an interrupted one, as after a kill.
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

  /** @throws where this process may not start threads */
  constructor(script: string) {
    const threads = process.getBuiltinModule('node:worker_threads');
    // What the host's program was started with is not for it; what git reads of the environment is.
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
    this.#worker.on('exit', () => this.#over(new Error('the thread that ends runs has ended')));
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

/** Undefined where there can be none: a bundle without the script, a process that may start no thread. */
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
 * As `flattenRun` and `endRun`, on another thread; the run's lock stays this one's.
 * @returns undefined where there is no other thread
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
