/** One run with saved changes. */
import type { JsonDiff } from '../changes/index.js';
import type { RunApplied } from './changes.js';
import type { ApplyChoice } from './choice.js';
import type { Saved } from './saved.js';

/** Another process may use the run for so long before a method gives up. */
const longestWaitMs = 10_000;

/**
 * A run whose changes are saved: as `wasbox diff`, `apply` and `discard` with its ID. Each method opens
 * the run for itself.
 *
 * Several may look at a run at the same time. While another process changes it, they wait for up to ten seconds.
 *
 * All methods reject with a ChangesError: `ERR_RUN_BUSY` while the run is running, or longer in use than that, and
 * `ERR_RUN_UNKNOWN` once all of it is applied or discarded. Then `discard` does nothing instead.
 */
export class KeptRun {
  readonly id: string;
  /**
   * Absolute path of the directory that it changed: the working directory of the run, which is the project's
   * root where the run was started below it without `workdir`. Paths of changes are relative to it.
   */
  readonly workdir: string;
  readonly #directory: string;

  /** @internal */
  constructor(id: string, workdir: string, stateDirectory: string) {
    this.id = id;
    this.workdir = workdir;
    this.#directory = stateDirectory;
  }

  /**
   * Each changed path, with what kind of change it is and how many lines differ.
   * @param paths relative to `workdir`, or absolute, each with what is below it
   * @default all changes
   */
  diff(paths?: readonly string[]): Promise<JsonDiff[]> {
    return this.#saved((saved) => saved.diff(paths));
  }

  /**
   * The changes as a patch for `git apply`, byte for byte: not for a terminal. Lines that begin with `#|`
   * name what the patch leaves out.
   * @param paths as for `diff`
   */
  patch(paths?: readonly string[]): Promise<Uint8Array> {
    return this.#saved((saved) => saved.patch(paths));
  }

  /**
   * The content of a file as the run left it; undefined if the run wrote no such file.
   * @param path relative to `workdir`, or absolute
   */
  read(path: string): Promise<Uint8Array | undefined> {
    return this.#saved((saved) => saved.read(path));
  }

  /**
   * Applies changes to the working directory, each whole or not at all. What is left stays saved.
   *
   * @throws UsageError for a choice that means nothing; nothing is applied then
   */
  apply(choice?: ApplyChoice): Promise<RunApplied> {
    return this.#saved((saved) => saved.apply(choice));
  }

  /** Drops the changes; does nothing if none are left. */
  discard(): Promise<void> {
    return this.#saved((saved) => saved.discard());
  }

  /** Returns what JSON has of it. */
  toJSON(): { readonly id: string; readonly workdir: string } {
    return { id: this.id, workdir: this.workdir };
  }

  /** The code that works with its changes is loaded when it is first asked for: few programs do. */
  async #saved<T>(use: (saved: Saved) => T): Promise<T> {
    const { Saved } = await import('./saved.js');
    const { RunInUseError } = await import('../changes/index.js');
    const saved = new Saved(this.id, this.#directory);
    for (const end = performance.now() + longestWaitMs; ; ) {
      try {
        return use(saved);
      } catch (error) {
        if (!(error instanceof RunInUseError) || performance.now() > end) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
