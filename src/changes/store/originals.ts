/**
 * Copies of the host's files that a run edited, so that later changes on the host can be merged with the
 * run's. A copy is made when the run ends, if the file has not changed on the host since the run began;
 * without a copy there is no merge.
 *
 *     …/originals/<SHA-256 of the path>-<mode, octal>
 */

import { mkdirSync, readFileSync } from 'node:fs';
import { closeDescriptor } from '../../native/index.js';
import { copyContent } from '../files/content.js';
import {
  at,
  createFile,
  errnoOf,
  isAbsent,
  names,
  openDirectory,
  openToRead,
  removeQuietly,
  stateOfFd,
  withFd,
} from '../files/fdtree.js';
import { unlessDenied } from '../files/layer.js';
import type { Change } from '../model/index.js';
import { sameHost } from './base.js';
import type { Session } from './session.js';

const directoryName = Buffer.from('originals');

/** Larger files are not merged. */
export const maxMergedBytes = 1 << 20;
/** The limit for one tree; further files get no copy. */
const maxAllBytes = 32 << 20;

function keyOf(path: Buffer): string {
  const { createHash } = process.getBuiltinModule('node:crypto');
  return createHash('sha256').update(path).digest('hex');
}

const isEdited = ({ kind, before, after }: Change): boolean =>
  kind === 'modified' && before?.type === 'file' && after?.type === 'file';

function openOriginals({ native, directory }: Session, create: boolean): number | undefined {
  try {
    return openDirectory(native, directory, directoryName);
  } catch (error) {
    if (!isAbsent(error) || !create) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }
  mkdirSync(at(directory, directoryName), { mode: 0o700 });
  return openDirectory(native, directory, directoryName);
}

/**
 * Removes the copies of files that are not changed any more: a continued run would start from another
 * version.
 */
export function pruneOriginals(session: Session, changes: readonly Change[]): void {
  const originals = openOriginals(session, false);
  if (originals === undefined) return;
  const keys = new Set(changes.filter(isEdited).map(({ path }) => keyOf(path)));
  withFd(originals, () => {
    for (const name of names(originals)) {
      if (!keys.has(name.toString('latin1').split('-')[0] ?? '')) removeQuietly(originals, name);
    }
  });
}

/** Makes copies for the changes of one tree. A failure, for example a full disk, is ignored. */
export function keepOriginals(session: Session, changes: readonly Change[]): void {
  try {
    pruneOriginals(session, changes);
    const edited = changes.filter(
      (change) =>
        isEdited(change) &&
        !change.flags.includes('host-changed') &&
        (change.before?.size ?? Infinity) <= maxMergedBytes,
    );
    if (edited.length === 0) return;
    withFd(openOriginals(session, true) as number, (originals) => {
      let left = maxAllBytes;
      for (const change of edited) {
        left -= change.before?.size ?? 0;
        if (left < 0) return;
        keepOne(session, originals, change);
      }
    });
  } catch (error) {
    errnoOf(error);
  }
}

function keepOne({ native, host }: Session, originals: number, { path, before }: Change): void {
  if (before === undefined) return;
  const name = Buffer.from(`${keyOf(path)}-${before.mode.toString(8)}`);
  const source = unlessDenied(() => openToRead(native, host, path));
  if (source === undefined) return;
  withFd(source, () => {
    removeQuietly(originals, name);
    // Checked before and after: the copy has the content that was compared.
    if (!sameHost(stateOfFd(source), before)) return;
    const copy = createFile(native, originals, name);
    let whole = false;
    try {
      copyContent(native, source, copy);
      whole = sameHost(stateOfFd(source), before);
    } finally {
      closeDescriptor(copy);
      if (!whole) removeQuietly(originals, name);
    }
  });
}

export interface Original {
  /** One character per byte. */
  readonly text: string;
  readonly mode: number;
}

/** The host's file as it was when the run began; undefined if there is no copy. */
export function originalOf(session: Session, { path }: Change): Original | undefined {
  const originals = openOriginals(session, false);
  if (originals === undefined) return undefined;
  return withFd(originals, () => {
    const key = keyOf(path);
    const name = names(originals).find((one) => one.toString('latin1').startsWith(`${key}-`));
    if (name === undefined) return undefined;
    const mode = Number.parseInt(name.toString('latin1').slice(key.length + 1), 8);
    const text = withFd(openToRead(session.native, originals, name), (fd) =>
      readFileSync(fd, 'latin1'),
    );
    return { text, mode };
  });
}
