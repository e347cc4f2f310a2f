/** Merges a file that the host and the run both changed, and puts it in place. */
import { closeSync, fstatSync, readFileSync, writeFileSync } from 'node:fs';
import { createFile, openToRead, removeQuietly, stateOfFd, withFd } from '../files/fdtree.js';
import type { Change } from '../model/index.js';
import { sameHost } from '../store/base.js';
import { maxMergedBytes, originalOf } from '../store/originals.js';
import type { Session } from '../store/session.js';
import { mergeText } from './merge3.js';
import { placeFile } from './place-file.js';
import { hostChanged, RefusedError } from './refusal.js';
import type { Placer, Target } from './target.js';

const mergedName = Buffer.from('merged');

export const notMergeable =
  'Only text files of up to 1 MiB that both changed can be merged. Choose --ours or --theirs.';

const noOriginal =
  'Cannot be merged: there is no copy from before the run (it changed on the host during the run, or none was saved).';

const refuse = (message: string): RefusedError => new RefusedError('host-changed', message);

/** A character a byte. */
function textIn(fd: number): string {
  if (fstatSync(fd).size > maxMergedBytes) throw refuse(notMergeable);
  const text = readFileSync(fd, 'latin1');
  if (text.includes('\0')) throw refuse(notMergeable);
  return text;
}

/** The bits that one of the two changed; where both did, the host's stay. */
function mergedMode(base: number, ours: number, theirs: number): number {
  return (ours === base ? theirs : ours) & 0o777;
}

/**
 * @param upper the layer's directory that holds the run's version
 * @returns the number of places between markers
 * @throws RefusedError where it cannot be merged, or only with markers that are not wanted
 */
export function mergeFile(
  session: Session,
  placer: Placer,
  change: Change,
  target: Target,
  upper: number,
  markers: boolean,
): number {
  const { native, layer, directory } = session;
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
      `You and the run changed the same lines in ${places}. To write both versions there: --conflict-markers`,
    );
  }
  const mode = mergedMode(original.mode & 0o777, before.mode & 0o777, after.mode & 0o777);
  if (text === ours && mode === (before.mode & 0o777)) return conflicts;
  removeQuietly(directory, mergedName);
  const source = createFile(native, directory, mergedName);
  try {
    writeFileSync(source, text, 'latin1');
    const mtimeNs = BigInt(Date.now()) * 1_000_000n;
    // The owner stays.
    placeFile(
      placer,
      target,
      source,
      { ...after, uid: before.uid, gid: before.gid, mtimeNs },
      mode,
    );
  } finally {
    closeSync(source);
    removeQuietly(directory, mergedName);
  }
  return conflicts;
}
