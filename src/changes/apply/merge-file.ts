/** Merges a file that changed both on the host and in the run, and installs the result. */

import { fstatSync, readFileSync, writeFileSync } from 'node:fs';
import { closeDescriptor } from '../../native/index.js';
import { createFile, openToRead, removeQuietly, stateOfFd, withFd } from '../files/fdtree.js';
import type { Change, FileState } from '../model/index.js';
import { sameHost } from '../store/base.js';
import { maxMergedBytes, originalOf } from '../store/originals.js';
import type { Session } from '../store/session.js';
import { mergeText } from './merge3.js';
import { placeFile } from './place-file.js';
import { hostChanged, RefusedError } from './refusal.js';
import type { Placer, Target } from './target.js';

const mergedName = Buffer.from('merged');

/** Installs a text in place of the host's file, whose owner it keeps. */
export function placeText(
  { native, directory }: Session,
  placer: Placer,
  target: Target,
  {
    before,
    after,
    text,
    mode,
  }: { before: FileState; after: FileState; text: string; mode: number },
): void {
  removeQuietly(directory, mergedName);
  const source = createFile(native, directory, mergedName);
  try {
    writeFileSync(source, text, 'latin1');
    const mtimeNs = BigInt(Date.now()) * 1_000_000n;
    const state = { ...after, uid: before.uid, gid: before.gid, mtimeNs };
    placeFile(placer, target, source, state, mode);
  } finally {
    closeDescriptor(source);
    removeQuietly(directory, mergedName);
  }
}

export const notMergeable =
  'Not applied: only text files up to 1 MiB can be merged. Choose --ours or --theirs.';

const noOriginal =
  'Not applied: there is no copy from before the run to merge with (the file changed on the host during the run, or no copy was saved).';

const refuse = (message: string): RefusedError => new RefusedError('host-changed', message);

/** One character per byte. @throws RefusedError if it is no text, or too long */
export function textIn(fd: number): string {
  if (fstatSync(fd).size > maxMergedBytes) throw refuse(notMergeable);
  const text = readFileSync(fd, 'latin1');
  if (text.includes('\0')) throw refuse(notMergeable);
  return text;
}

/** The mode that one of the two changed; if both did, the host's. */
function mergedMode(base: number, ours: number, theirs: number): number {
  return (ours === base ? theirs : ours) & 0o777;
}

/**
 * @param upper the layer's directory that holds the run's version
 * @returns the number of conflicts between markers
 * @throws RefusedError if it cannot be merged, or only with markers and `markers` is false
 */
export function mergeFile(
  session: Session,
  placer: Placer,
  change: Change,
  target: Target,
  upper: number,
  markers: boolean,
): number {
  const { native, layer } = session;
  const { before, after, kind } = change;
  if (kind !== 'modified' || before?.type !== 'file' || after?.type !== 'file') {
    throw refuse(notMergeable);
  }
  const original = originalOf(session, change);
  if (original === undefined) throw refuse(noOriginal);
  const ours = withFd(openToRead(native, target.fd, target.name), (fd) => {
    if (!sameHost(stateOfFd(fd), before)) throw hostChanged();
    return textIn(fd);
  });
  const theirs = withFd(layer.openFile(upper, target.name), textIn);
  if (original.text.includes('\0')) throw refuse(notMergeable);
  const { text, conflicts } = mergeText(original.text, ours, theirs);
  if (conflicts > 0 && !markers) {
    const places = conflicts === 1 ? 'one place' : `${conflicts} places`;
    throw refuse(
      `Not applied: you and the run changed the same lines in ${places}. To write both versions: --conflict-markers`,
    );
  }
  const mode = mergedMode(original.mode & 0o777, before.mode & 0o777, after.mode & 0o777);
  if (text === ours && mode === (before.mode & 0o777)) return conflicts;
  placeText(session, placer, target, { before, after, text, mode });
  return conflicts;
}
