/** Implements what a program does with runs that are saved. */
import {
  applyRun,
  type DiscardReport,
  diffRun,
  diffToJson,
  discardRuns,
  formatPatch,
  formatUnified,
  type JsonDiff,
  listRuns,
  NewerRunError,
  openRun,
  openStore,
  previewApply,
  type Run,
  RunInUseError,
  type RunRecord,
  readChanged,
  type Store,
} from '../changes/index.js';
import { ChangesError } from '../errors/index.js';
import { loadNative } from '../native/index.js';
import { type RunApplied, runApplied } from './changes.js';
import { type ApplyChoice, checkedChoice, checkedPaths } from './choice.js';

/** The changes of a run that is open. */
export function diffOf(store: Store, run: Run, paths: readonly string[] | undefined): JsonDiff[] {
  const chosen = checkedPaths('diff', paths);
  const options = chosen === undefined ? {} : { paths: chosen };
  return [...diffRun(store, run, options)].flatMap(diffToJson);
}

/** Changes as `wasbox diff` prints them. */
export interface ShownChange {
  /** One path; two of a file that was renamed. In the form of `JsonDiff.path`. */
  readonly paths: readonly string[];
  /** A unified diff for people: escaped, and without the content of binary files. */
  readonly text: string;
}

/** Returns the changes as text. */
export function shownOf(
  store: Store,
  run: Run,
  paths: readonly string[] | undefined,
): ShownChange[] {
  const chosen = checkedPaths('show', paths);
  const options = chosen === undefined ? {} : { paths: chosen };
  return [...diffRun(store, run, options)].map((file) => ({
    paths: [...(file.from === undefined ? [] : [file.from.display]), file.change.display],
    text: formatUnified(file),
  }));
}

export const savedRecords = (): RunRecord[] => listRuns(openStore(loadNative().native));

/** @throws ChangesError ERR_RUN_UNKNOWN, ERR_RUN_BUSY */
export function savedRecord(id: string): { readonly record: RunRecord; readonly state: string } {
  const store = openStore(loadNative().native);
  const run = openRun(store, id, { shared: true });
  run.close();
  return { record: run.record, state: store.directory };
}

/** The work of `KeptRun`, whose methods these are. Each opens the run for itself. */
export class Saved {
  readonly #id: string;
  readonly #store: Store;

  constructor(id: string, directory: string) {
    this.#id = id;
    this.#store = openStore(loadNative().native, { directory });
  }

  diff(paths: readonly string[] | undefined): JsonDiff[] {
    return this.#look((run) => diffOf(this.#store, run, paths));
  }

  patch(paths: readonly string[] | undefined): Uint8Array {
    return this.#look((run) => {
      const chosen = checkedPaths('patch', paths);
      const options = { patch: true, ...(chosen === undefined ? {} : { paths: chosen }) };
      const files = [...diffRun(this.#store, run, options)];
      return new Uint8Array(Buffer.concat(files.map((file) => Buffer.from(formatPatch(file)))));
    });
  }

  read(path: string): Uint8Array | undefined {
    return this.#look((run) => {
      checkedPaths('read', [path]);
      const content = readChanged(this.#store, run, path);
      return content && new Uint8Array(content);
    });
  }

  apply(choice: ApplyChoice | undefined): RunApplied {
    return this.#with((run) => {
      const { paths, conflicts, dryRun = false, ...deletions } = checkedChoice(choice);
      const store = this.#store;
      return runApplied(
        dryRun
          ? previewApply(store, run, paths, deletions)
          : applyRun(store, run, { paths, conflicts, ...deletions }),
      );
    });
  }

  discard(): void {
    let report: DiscardReport;
    try {
      report = discardRuns(this.#store, [this.#id]);
    } catch (error) {
      // A run is removed with the last of its changes, also if they were applied: nothing is left to drop.
      if (error instanceof ChangesError && error.code === 'ERR_RUN_UNKNOWN') return;
      throw error;
    }
    if (report.unreadable.length > 0) throw new NewerRunError(this.#id);
    const [one] = report.busy;
    if (one === undefined) return;
    if (one.status !== 'running') throw new RunInUseError(this.#id);
    throw new ChangesError('ERR_RUN_BUSY', `Run ${this.#id} is still running.`, {
      hint: 'Wait until it ends.',
    });
  }

  /** Others may look at the run at the same time. */
  #look<T>(use: (run: Run) => T): T {
    return this.#with(use, true);
  }

  #with<T>(use: (run: Run) => T, shared = false): T {
    const run = openRun(this.#store, this.#id, { shared });
    try {
      return use(run);
    } finally {
      run.close();
    }
  }
}
