/** AbortController and its signal, as far as questions of a run use them. */

type Listener = () => void;

class EngineAbortSignal {
  aborted = false;
  reason: unknown;
  readonly #listeners = new Set<Listener>();

  addEventListener(_name: 'abort', listener: Listener): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_name: 'abort', listener: Listener): void {
    this.#listeners.delete(listener);
  }

  /** Called by its controller. */
  end(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    for (const listener of [...this.#listeners]) listener();
    this.#listeners.clear();
  }
}

export class EngineAbortController {
  readonly signal = new EngineAbortSignal();

  abort(reason?: unknown): void {
    this.signal.end(reason ?? new Error('This operation was aborted'));
  }
}
