/** A sandbox as an object. Each of its methods is one function of the addon for all sandboxes, which takes a handle. */
import type {
  Native,
  NativeLaunched,
  NativeRun,
  NativeSandbox,
  NativeSandboxes,
  SandboxHandle,
  TerminalSuspension,
} from './types.js';

export class Sandbox implements NativeSandbox {
  readonly started: NativeSandbox['started'];
  readonly #functions: NativeSandboxes;
  readonly #handle: SandboxHandle;

  constructor({ sandboxes }: Pick<Native, 'sandboxes'>, { started, handle }: NativeLaunched) {
    this.started = started;
    this.#functions = sandboxes;
    this.#handle = handle;
  }

  hold(hold: boolean): void {
    this.#functions.hold(this.#handle, hold);
  }

  abandon(): void {
    this.#functions.abandon(this.#handle);
  }

  endUntouched(state: string, run: NativeRun, workdir: string, placed: string): Promise<boolean> {
    return this.#functions.endUntouched(this.#handle, state, run, workdir, placed);
  }

  endDiscarded(...of: Parameters<NativeSandbox['endDiscarded']>): Promise<boolean> {
    return this.#functions.endDiscarded(this.#handle, ...of);
  }

  takeMemory(): number | undefined {
    return this.#functions.takeMemory(this.#handle);
  }

  answer(id: number, decision: number): void {
    this.#functions.answer(this.#handle, id, decision);
  }

  refusals(): ArrayBuffer {
    return this.#functions.refusals(this.#handle);
  }

  suspendRelay(): TerminalSuspension | undefined {
    return this.#functions.suspendRelay(this.#handle);
  }

  resumeRelay(): void {
    this.#functions.resumeRelay(this.#handle);
  }

  redraw(shrunk: boolean): void {
    this.#functions.redraw(this.#handle, shrunk);
  }

  resize(rows: number, columns: number): void {
    this.#functions.resize(this.#handle, rows, columns);
  }

  dialInside(port: number): number {
    return this.#functions.dialInside(this.#handle, port);
  }

  signal(signal: number): void {
    this.#functions.signal(this.#handle, signal);
  }
}
