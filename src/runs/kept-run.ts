/** One run with saved changes. */
import {
  applyRun,
  diffRun,
  diffToJson,
  discardRuns,
  formatPatch,
  type JsonDiff,
  openRun,
  openStore,
  previewApply,
  type Run,
  readChanged,
  type Store,
} from '../changes/index.js';
import { ChangesError } from '../errors/index.js';
import { loadNative } from '../native/index.js';
import { type RunApplied, runApplied } from './changes.js';
import { type ApplyChoice, checkedChoice, checkedPaths } from './choice.js';

/** As {@link KeptRun.diff}, of a run that is open. */
export function diffOf(store: Store, run: Run, paths: readonly string[] | undefined): JsonDiff[] {
  const chosen = checkedPaths('diff', paths);
  const options = chosen === undefined ? {} : { paths: chosen };
  return [...diffRun(store, run, options)].flatMap(diffToJson);
}

/**
 * A run whose changes are saved: as `wasbox diff`, `apply` and `discard` with its ID. Each method opens
 * the run for itself.
 *
 * All methods reject with a ChangesError: `ERR_RUN_UNKNOWN` once the run is applied or discarded,
 * `ERR_RUN_BUSY` while another process uses it.
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
    return this.#with((store, run) => {
      return diffOf(store, run, paths);
    });
  }

  /**
   * The changes as a patch for `git apply`, byte for byte: not for a terminal. Lines that begin with `#|`
   * name what the patch leaves out.
   * @param paths as for `diff`
   */
  patch(paths?: readonly string[]): Promise<Uint8Array> {
    return this.#with((store, run) => {
      const chosen = checkedPaths('patch', paths);
      const options = { patch: true, ...(chosen === undefined ? {} : { paths: chosen }) };
      const parts = [...diffRun(store, run, options)].map((file) => Buffer.from(formatPatch(file)));
      return new Uint8Array(Buffer.concat(parts));
    });
  }

  /**
   * The content of a file as the run left it; undefined if the run wrote no such file.
   * @param path relative to `workdir`, or absolute
   */
  read(path: string): Promise<Uint8Array | undefined> {
    return this.#with((store, run) => {
      checkedPaths('read', [path]);
      const content = readChanged(store, run, path);
      return content && new Uint8Array(content);
    });
  }

  /**
   * Applies changes to the working directory, each whole or not at all. What is left stays saved.
   *
   * @throws TypeError or UsageError for a choice that means nothing; nothing is applied then
   */
  apply(choice?: ApplyChoice): Promise<RunApplied> {
    return this.#with((store, run) => {
      const { paths, conflicts, dryRun = false } = checkedChoice(choice);
      return runApplied(
        dryRun ? previewApply(store, run, paths) : applyRun(store, run, { paths, conflicts }),
      );
    });
  }

  /** Drops the changes. */
  discard(): Promise<void> {
    return this.#in((store) => {
      const { busy } = discardRuns(store, [this.id]);
      if (busy.length === 0) return;
      throw new ChangesError('ERR_RUN_BUSY', `Run ${this.id} is still running or in use.`, {
        hint: 'Wait until it ends.',
      });
    });
  }

  /** What JSON has of it. */
  toJSON(): { readonly id: string; readonly workdir: string } {
    return { id: this.id, workdir: this.workdir };
  }

  async #in<T>(use: (store: Store) => T): Promise<T> {
    return use(openStore(loadNative().native, { directory: this.#directory }));
  }

  #with<T>(use: (store: Store, run: Run) => T): Promise<T> {
    return this.#in((store) => {
      const run = openRun(store, this.id);
      try {
        return use(store, run);
      } finally {
        run.close();
      }
    });
  }
}
