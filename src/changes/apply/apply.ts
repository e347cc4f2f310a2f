/**
 * Brings a run's changes to the host: the only place that writes there.
 *
 * Each change is refused or done whole; what is refused stays in the run. Afterwards the layer is
 * compared with the host once more, and what is equal by then is dropped from it, so that a kill
 * between the two steps does no harm.
 */
import { chmodSync } from 'node:fs';
import { errnoOf, openHandle, self, withFd } from '../files/fdtree.js';
import { pathKey, splitPath } from '../files/path.js';
import type {
  ApplyReport,
  Change,
  Conflicts,
  OnProgress,
  Refusal,
  Run,
  RunRecord,
  Settlement,
} from '../model.js';
import { countChanges, sortChanges, wantedMode } from '../scan/compare.js';
import { pruneOriginals } from '../store/originals.js';
import { writeRecord } from '../store/record.js';
import { moveRun, openRunDirectory, removeRun } from '../store/run-directory.js';
import { changesOf, pruneLayer, type Session, withSessions } from '../store/session.js';
import { type Store, sayingSpace } from '../store/state-dir.js';
import { Links } from './hard-links.js';
import { dropJournal, Journal } from './journal.js';
import { mergeFile, notMergeable } from './merge-file.js';
import { moveFile } from './move-file.js';
import { OpenDirectories } from './open-directories.js';
import {
  placeDeletion,
  placeDirectory,
  placeFile,
  placeMetadata,
  placeSymlink,
} from './place-file.js';
import { type Selection, selectChanges } from './select.js';
import { checkTarget, hostChanged, type Placer, RefusedError, type Target } from './target.js';

export interface ApplyOptions {
  /**
   * Paths below the working directory, each with all below it. What is held back (see
   * {@link ChangeFlag}) must be named itself.
   *
   * @default all changes
   */
  readonly paths?: readonly (string | Buffer)[] | undefined;
  /** Each path means itself alone. @default false */
  readonly exactly?: boolean | undefined;
  /** What is done about a file that the host changed, too. @default 'refuse' */
  readonly conflicts?: Conflicts | undefined;
  /** Nothing is written: what was chosen counts as done. @default false */
  readonly done?: boolean | undefined;
  /** Called often. */
  readonly onProgress?: OnProgress | undefined;
}

/** Why a change is not applied whatever the host says; undefined where nothing speaks against it. */
export function policyRefusal(
  change: Change,
  named: boolean,
  conflicts: Conflicts = 'refuse',
): RefusedError | undefined {
  const { flags, kind } = change;
  if (flags.includes('special')) {
    return new RefusedError('special', 'Devices, FIFOs and sockets are never applied.');
  }
  if (flags.includes('unreadable')) {
    const why = flags.includes('too-deep') ? 'lies too deep' : 'cannot be read';
    return new RefusedError('unreadable', `It ${why}.`);
  }
  if (flags.includes('mount-point')) {
    return new RefusedError('mount-point', 'It lies on another mount than the working directory.');
  }
  if (kind === 'xattr') {
    return new RefusedError('xattr', 'Extended attributes are never applied.');
  }
  if (flags.includes('host-changed') && conflicts === 'refuse') return hostChanged();
  if (named) return undefined;
  if (flags.includes('held')) {
    const why = change.runs ?? 'it runs later by itself';
    return new RefusedError('held', `Held back because ${why}. To apply it, name it.`);
  }
  if (flags.includes('leads-out')) {
    return new RefusedError(
      'leads-out',
      'The symbolic link leads out of the working directory. To apply it, name it.',
    );
  }
  return undefined;
}

/**
 * Whether the host's own inode changes. Not where it has further names, perhaps outside of the tree: those
 * stay as they are.
 */
const changesInPlace = ({ kind, type, before }: Change): boolean =>
  (kind === 'mode' || kind === 'time') && (type === 'directory' || (before?.links ?? 1) < 2);

function systemRefusal(code: string): RefusedError {
  switch (code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new RefusedError('permission', `The host does not permit it (${code}).`, code);
    case 'ENOSPC':
    case 'EDQUOT':
      return new RefusedError('no-space', 'There is no space left.', code);
    case 'EBUSY':
    case 'EXDEV':
      return new RefusedError('mount-point', `It is a mount point (${code}).`, code);
    default:
      return new RefusedError('failed', `The system call failed (${code}).`, code);
  }
}

class Applier {
  readonly #session: Session;
  readonly #stack: OpenDirectories;
  readonly #placer: Placer;
  #links = new Links([]);
  readonly applied: Change[] = [];
  readonly refused: Refusal[] = [];
  readonly stripped: Change[] = [];
  readonly settled: Settlement[] = [];
  readonly #how: { readonly conflicts: Conflicts; readonly done: boolean };

  constructor(
    session: Session,
    journal: Journal,
    { conflicts = 'refuse', done = false }: ApplyOptions,
  ) {
    this.#how = { conflicts, done };
    this.#session = session;
    this.#stack = new OpenDirectories(session, journal);
    this.#placer = {
      native: session.native,
      journal,
      id: session.record.id,
      moves: true,
      next: 0,
      ownCtimes: new Map(),
    };
  }

  /** What the comparison afterwards need not look at again. */
  get done(): { applied: ReadonlySet<string>; ownCtimes: ReadonlyMap<string, bigint> } {
    const applied = new Set(this.applied.map((change) => pathKey(change.path)));
    return { applied, ownCtimes: this.#placer.ownCtimes };
  }

  run(changes: readonly Change[], selection: Selection, onProgress?: OnProgress): void {
    this.#links = new Links(changes.filter((change) => selection.chosen.has(change)));
    try {
      for (const [done, change] of changes.entries()) {
        onProgress?.({ stage: 'apply', done, total: changes.length });
        if (selection.chosen.has(change)) this.#one(change, selection.named.has(change));
      }
    } finally {
      this.#links.close();
      this.#stack.close();
    }
  }

  #one(change: Change, named: boolean): void {
    try {
      if (this.#how.done) {
        this.applied.push(change);
        return;
      }
      const { conflicts } = this.#how;
      const refusal = policyRefusal(change, named, conflicts);
      if (refusal !== undefined) throw refusal;
      if (change.flags.includes('host-changed')) this.#settle(change, conflicts);
      else this.#place(change);
      this.applied.push(change);
      if (change.flags.includes('set-id') || change.flags.includes('xattr')) {
        this.stripped.push(change);
      }
    } catch (error) {
      const refusal = error instanceof RefusedError ? error : systemRefusal(errnoOf(error));
      const { reason, message, errno } = refusal;
      this.refused.push({ change, reason, message, ...(errno === undefined ? {} : { errno }) });
    }
  }

  /** Both changed it. */
  #settle(change: Change, conflicts: Conflicts): void {
    if (conflicts === 'theirs') this.#place(change);
    else if (conflicts === 'ours') this.settled.push({ change, how: 'ours', places: 0 });
    else if (conflicts !== 'refuse') this.#merge(change, conflicts === 'markers');
  }

  #merge(change: Change, markers: boolean): void {
    const names = splitPath(change.path);
    const name = names.pop();
    if (name === undefined) throw new RefusedError('host-changed', notMergeable);
    this.#stack.enter(names);
    this.#stack.allowWrite();
    const { host: fd, path: directory, upper } = this.#stack;
    const target: Target = { fd, directory, name, before: change.before, merged: true };
    const places = mergeFile(this.#session, this.#placer, change, target, upper, markers);
    this.settled.push({ change, how: places === 0 ? 'merged' : 'conflict', places });
  }

  #place(change: Change): void {
    const names = splitPath(change.path);
    const name = names.pop();
    if (name === undefined) {
      this.#placeRoot(change);
      return;
    }
    this.#stack.enter(names);
    if (!changesInPlace(change)) this.#stack.allowWrite();
    const target: Target = {
      fd: this.#stack.host,
      directory: this.#stack.path,
      name,
      before: change.before,
    };
    if (change.after === undefined) placeDeletion(this.#placer, target);
    else this.#placeAfter(change, target, change.after);
  }

  #placeAfter(change: Change, target: Target, after: NonNullable<Change['after']>): void {
    const mode = wantedMode(change.kind, after, change.before);
    if (changesInPlace(change)) {
      placeMetadata(this.#placer, target, after, mode, change.kind === 'time');
      this.#settleLayer(change, target, mode);
    } else if (after.type === 'directory') {
      placeDirectory(this.#placer, target, mode);
      this.#stack.push(target.name);
      this.#stack.settle(mode, after.mtimeNs);
      this.#settleLayer(change, { ...target, fd: this.#stack.host }, mode, true);
    } else if (after.type === 'symlink') {
      placeSymlink(this.#placer, target, after.link ?? Buffer.alloc(0), after);
    } else {
      const { layer } = this.#session;
      const { upper, movable } = this.#stack;
      withFd(layer.openFile(upper, target.name), (source) => {
        const moved = movable && moveFile(this.#placer, target, upper, source, after, mode);
        if (moved || this.#links.link(this.#placer, target, after)) return;
        placeFile(this.#placer, target, source, after, mode);
        this.#links.note(this.#placer, target, after);
      });
      this.#settleLayer(change, target, mode);
    }
  }

  /** Where bits were stripped, the layer's file loses them too: there is nothing left to apply. */
  #settleLayer(change: Change, target: Target, mode: number, inside = false): void {
    if (!change.flags.includes('set-id')) return;
    const { native, layer } = this.#session;
    if (inside) {
      layer.setMode(this.#stack.upper, mode);
    } else {
      withFd(openHandle(native, this.#stack.upper, target.name), (fd) => layer.setMode(fd, mode));
    }
  }

  /** The working directory's own mode. */
  #placeRoot(change: Change): void {
    const { after, before } = change;
    if (after === undefined || change.kind !== 'mode') {
      throw new RefusedError('failed', 'The working directory itself cannot be replaced.');
    }
    this.#stack.enter([]);
    const name = Buffer.from('.');
    checkTarget(this.#placer, { fd: this.#stack.host, directory: name, name, before });
    const mode = wantedMode('mode', after, before);
    chmodSync(self(this.#stack.host), mode);
    const { layer } = this.#session;
    if (change.flags.includes('set-id')) layer.setMode(layer.root, mode);
  }
}

/**
 * Applies a run's changes to the host. What is refused or was not named stays in the run; a run
 * with nothing left is removed, and its lock given back.
 *
 * @throws ChangesError ERR_APPLY where one of the trees is gone or another one
 */
export function applyRun(store: Store, run: Run, options: ApplyOptions = {}): ApplyReport {
  const { id } = run.record;
  const { report, remaining } = sayingSpace(store, id, () =>
    withFd(openRunDirectory(store, run), (runDirectory) =>
      withSessions(store.native, runDirectory, run.record, (sessions) => {
        const { onProgress } = options;
        const lists = sessions.map((session) => changesOf(session, onProgress));
        const selection = selectChanges(
          lists.flat(),
          options.paths,
          options.exactly,
          options.done !== true,
        );
        // Where an `apply` that is cut short is found.
        moveRun(store, run, 'runs');
        const done = sessions.map((session, index) =>
          applyTree(session, lists[index] ?? [], selection, options),
        );
        const rest = done.flatMap(({ left }) => left);
        if (rest.length > 0)
          writeRecord(store.native, runDirectory, leftOf(run.record, rest), true);
        const appliers = done.map(({ applier }) => applier);
        return { report: reportOf(lists.flat(), selection, appliers), remaining: rest.length };
      }),
    ),
  );
  if (remaining === 0) removeRun(store, run);
  else moveRun(store, run, 'saved');
  return report;
}

function applyTree(
  session: Session,
  changes: readonly Change[],
  selection: Selection,
  options: ApplyOptions,
): { applier: Applier; left: readonly Change[] } {
  const journal = new Journal(session.directory);
  const applier = new Applier(session, journal, options);
  const { onProgress } = options;
  try {
    applier.run(changes, selection, onProgress);
  } finally {
    journal.close();
  }
  const left = pruneLayer(session, { ...applier.done, onProgress });
  pruneOriginals(session, left);
  dropJournal(session.directory);
  return { applier, left };
}

function leftOf(record: RunRecord, changes: readonly Change[]): RunRecord {
  return {
    ...record,
    ...countChanges(changes),
    status: record.status === 'running' ? 'kept' : record.status,
    ended: record.ended ?? new Date().toISOString(),
  };
}

function reportOf(
  changes: readonly Change[],
  selection: Selection,
  appliers: readonly Applier[],
): ApplyReport {
  return {
    applied: sortChanges(appliers.flatMap(({ applied }) => applied)),
    refused: appliers.flatMap(({ refused }) => refused),
    left: sortChanges(changes.filter((change) => !selection.chosen.has(change))),
    stripped: appliers.flatMap(({ stripped }) => stripped),
    settled: appliers.flatMap(({ settled }) => settled),
    unmatched: selection.unmatched,
  };
}
