/**
 * Playground, core. The page's end of the worker. Cancelling a question ends the
 * worker; the next worker gets the script and the compiled module from memory, so that it needs no
 * server.
 */
import type { Kind, Problem, Questions, Ready, Response } from './protocol.js';

/** An error from the worker, or about a missing worker. */
export class CoreProblem extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

/** The question was cancelled. */
export class Cancelled extends Error {}

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

const missing = (message: string): CoreProblem =>
  new CoreProblem({ message, hint: undefined, diagnostics: [] });

export class CoreClient {
  #script: string | undefined;
  #worker: Worker | undefined;
  #ready: Ready | undefined;
  #begun: Promise<Ready> | undefined;
  #waiting = new Map<number, Waiting>();
  #last = 0;
  readonly #workerUrl: URL;
  readonly #wasmUrl: URL;

  constructor(worker: URL, wasm: URL) {
    this.#workerUrl = worker;
    this.#wasmUrl = wasm;
  }

  /** Loads the core unless it is loaded; after a failure, tries again. */
  start(): Promise<Ready> {
    this.#begun ??= this.#begin().catch((error) => {
      this.#begun = undefined;
      this.#worker?.terminate();
      throw error;
    });
    return this.#begun;
  }

  async #begin(): Promise<Ready> {
    this.#script ??= await this.#fetchScript();
    const url = URL.createObjectURL(new Blob([this.#script], { type: 'text/javascript' }));
    const worker = new Worker(url, { type: 'module', name: 'policy core' });
    this.#worker = worker;
    worker.onmessage = (event: MessageEvent<Response>) => this.#receive(event.data);
    worker.onerror = () => this.#end(missing('The worker with the policy core crashed.'));
    try {
      const wasm = this.#ready?.module ?? this.#wasmUrl.href;
      this.#ready = await this.#post('start', { wasm, sha256: this.#ready?.sha256 });
      return this.#ready;
    } finally {
      URL.revokeObjectURL(url);
    }
  }

  async #fetchScript(): Promise<string> {
    const response = await fetch(this.#workerUrl).catch(() => undefined);
    if (response?.ok) return response.text();
    const why = response === undefined ? 'does not answer' : `says ${response.status}`;
    throw missing(`The playground's worker cannot be loaded: the server ${why}.`);
  }

  /** Asks; rejects with CoreProblem, or Cancelled. */
  async ask<K extends Kind>(kind: K, input: Questions[K][0]): Promise<Questions[K][1]> {
    await this.start();
    return this.#post(kind, input);
  }

  #post<K extends Kind>(kind: K, input: Questions[K][0]): Promise<Questions[K][1]> {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as Waiting['resolve'], reject });
      this.#worker?.postMessage({ id, kind, input });
    });
  }

  #receive(response: Response): void {
    const waiting = this.#waiting.get(response.id);
    this.#waiting.delete(response.id);
    if (response.problem !== undefined) waiting?.reject(new CoreProblem(response.problem));
    else waiting?.resolve(response.answer);
  }

  #end(error: Error): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#begun = undefined;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(error);
  }

  /** Stops the running questions at once. The next question starts a new worker. */
  cancel(): void {
    this.#end(new Cancelled('given up'));
  }
}
