/**
 * Applies the changes of one tree, each completely or not at all. Only this file and those that it uses
 * write to the host.
 */
import { chmodSync } from 'node:fs';
import { errnoOf, openHandle, self, withFd } from '../files/fdtree.js';
import { pathKey, splitPath } from '../files/path.js';
import {
  type Change,
  type Conflicts,
  losesBits,
  type OnProgress,
  type Refusal,
  type Settlement,
  wantedMode,
} from '../model/index.js';
import type { Session } from '../store/session.js';
import { appendFile } from './append-file.js';
import { HardLinks } from './hard-links.js';
import type { Journal } from './journal.js';
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
import { policyRefusal, RefusedError, systemRefusal, unseen } from './refusal.js';
import type { Selection } from './select.js';
import { checkTarget, type Placer, type Target } from './target.js';

/**
 * Returns whether the host's own inode is changed. Not if it has further names, perhaps outside the tree, which
 * must not change.
 */
const changesInPlace = ({ kind, type, before }: Change): boolean =>
  (kind === 'mode' || kind === 'time') && (type === 'directory' || (before?.links ?? 1) < 2);

/** How the chosen changes are handled. */
export interface Handling {
  /** Says what happens to paths that changed on the host as well. */
  readonly conflicts: Conflicts;
  /** Writes nothing; the chosen changes count as applied. */
  readonly done: boolean;
  /** True if the layer's files stay where they are. @default false */
  readonly copies?: boolean | undefined;
  /** Why a change is not applied, beside the reasons that lie in itself. */
  readonly refuse?: ((change: Change) => RefusedError | undefined) | undefined;
}

export class Applier {
  readonly #session: Session;
  readonly #stack: OpenDirectories;
  readonly #placer: Placer;
  #links = new HardLinks([]);
  readonly applied: Change[] = [];
  readonly refused: Refusal[] = [];
  readonly stripped: Change[] = [];
  readonly settled: Settlement[] = [];
  readonly #how: Handling;

  constructor(session: Session, journal: Journal, how: Handling) {
    this.#how = how;
    this.#session = session;
    this.#stack = new OpenDirectories(session, journal);
    this.#placer = {
      native: session.native,
      journal,
      moves: how.copies !== true,
      ownCtimes: new Map(),
    };
  }

  /** Returns what the comparison afterwards can skip. */
  get done(): { applied: ReadonlySet<string>; ownCtimes: ReadonlyMap<string, bigint> } {
    const applied = new Set(this.applied.map((change) => pathKey(change.path)));
    return { applied, ownCtimes: this.#placer.ownCtimes };
  }

  run(changes: readonly Change[], selection: Selection, onProgress?: OnProgress): void {
    const { chosen, named } = selection;
    const isAllowed = (change: Change): boolean =>
      chosen.has(change) && this.#refusal(change, named.has(change)) === undefined;
    this.#links = new HardLinks(changes.filter(isAllowed));
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

  #refusal(change: Change, named: boolean): RefusedError | undefined {
    return this.#how.refuse?.(change) ?? policyRefusal(change, named, this.#how.conflicts);
  }

  #one(change: Change, named: boolean): void {
    try {
      if (this.#how.done) {
        this.applied.push(change);
        return;
      }
      const { conflicts } = this.#how;
      const refusal = this.#refusal(change, named);
      if (refusal !== undefined) throw refusal;
      if (change.flags.includes('unseen')) this.#applyUnseen(change, conflicts);
      else if (change.flags.includes('host-changed')) this.#applyConflict(change, conflicts);
      else this.#place(change);
      this.applied.push(change);
      if (losesBits(change) || change.flags.includes('xattr')) {
        this.stripped.push(change);
      }
    } catch (error) {
      const refusal = error instanceof RefusedError ? error : systemRefusal(errnoOf(error));
      const { reason, message, errno } = refusal;
      this.refused.push({ change, reason, message, ...(errno === undefined ? {} : { errno }) });
    }
  }

  /** Applies a change whose path changed on the host as well. */
  #applyConflict(change: Change, conflicts: Conflicts): void {
    if (conflicts === 'theirs') this.#place(change);
    else if (conflicts === 'ours') this.settled.push({ change, how: 'ours', places: 0 });
    else if (conflicts !== 'refuse') this.#merge(change, conflicts === 'markers');
  }

  /** Applies a change to the home whose path the host has, too, though the run saw none. */
  #applyUnseen(change: Change, conflicts: Conflicts): void {
    if (conflicts === 'ours') {
      this.settled.push({ change, how: 'ours', places: 0 });
    } else if (conflicts === 'theirs') {
      if (change.before?.type === 'directory') throw unseen(change);
      this.#place(change);
    } else {
      const target = this.#mergedTarget(change);
      if (target === undefined) throw unseen(change);
      const added = appendFile(this.#session, this.#placer, change, target, this.#stack.upper);
      this.settled.push({ change, how: added ? 'appended' : 'ours', places: 0 });
    }
  }

  #mergedTarget(change: Change): Target | undefined {
    const names = splitPath(change.path);
    const name = names.pop();
    if (name === undefined) return undefined;
    this.#stack.enter(names);
    this.#stack.allowWrite();
    const { host: fd, path: directory } = this.#stack;
    return { fd, directory, name, before: change.before, merged: true };
  }

  #merge(change: Change, markers: boolean): void {
    const target = this.#mergedTarget(change);
    if (target === undefined) throw new RefusedError('host-changed', notMergeable);
    const { upper } = this.#stack;
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
      this.#syncLayerMode(change, target, mode);
    } else if (after.type === 'directory') {
      const step = placeDirectory(this.#placer, target, mode);
      this.#stack.push(target.name);
      this.#stack.leaveWith(mode, after.mtimeNs, step);
      this.#syncLayerMode(change, { ...target, fd: this.#stack.host }, mode, true);
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
      this.#syncLayerMode(change, target, mode);
    }
  }

  /** Removes stripped bits from the layer's file, too, so that nothing is left to apply. */
  #syncLayerMode(change: Change, target: Target, mode: number, inside = false): void {
    if (!losesBits(change)) return;
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
      throw new RefusedError(
        'failed',
        'Not applied: the working directory itself cannot be replaced.',
      );
    }
    this.#stack.enter([]);
    const name = Buffer.from('.');
    checkTarget(this.#placer, { fd: this.#stack.host, directory: name, name, before });
    const mode = wantedMode('mode', after, before);
    chmodSync(self(this.#stack.host), mode);
    const { layer } = this.#session;
    if (losesBits(change)) layer.setMode(layer.root, mode);
  }
}
