/** One layer that was made ready beforehand, on disk; spare.ts says what they are for. */
import {
  chmodSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  promises, // loaded where it is used first
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { isNoise } from '../files/attributes.js';
import { at, names, openDirectory, withFd } from '../files/fdtree.js';
import type { Run, RunRecord } from '../model/index.js';
import { newRunId } from './id.js';
import { makeLock } from './run-directory.js';
import { openOwn, type Store } from './state-dir.js';

/** How `upper` was as it was made. */
export interface UpperState {
  readonly mode: number;
  readonly mtimeNs: bigint;
}

export interface Spare {
  /** Its name in `spare`, or in `runs` while a run uses it. */
  id: string;
  readonly lock: number;
  /** `run.json`, open: written in place, so that the file system need not give its block back. */
  readonly record: number;
  /** Of `upper`, as it was made. */
  readonly mode: number;
  mtimeNs: bigint;
}

const recordName = Buffer.from('run.json');
const paths = (directory: string) => {
  const layer = join(directory, 'layers', '0');
  return { upper: join(layer, 'upper'), work: join(layer, 'work') };
};

/** Writes the journal entry of the run that is about to use it. */
export function writeEntry(spare: Spare, record: RunRecord): RunRecord {
  const text = Buffer.from(`${JSON.stringify(record, null, 2)}\n`);
  writeSync(spare.record, text, 0, text.length, 0);
  ftruncateSync(spare.record, text.length);
  return record;
}

/** @throws Error of the file system */
export function makeSpare(store: Store, mode: number): Spare {
  const { native } = store;
  return withFd(openOwn(store, 'spare', true), (spares) => {
    const id = newRunId(new Date());
    mkdirSync(at(spares, Buffer.from(id)), { mode: 0o700 });
    return withFd(openDirectory(native, spares, Buffer.from(id)), (directory) => {
      const lock = makeLock(native, directory);
      if (lock === undefined) throw new Error('a new layer is locked');
      const { upper, work } = paths(join(store.directory, 'spare', id));
      mkdirSync(upper, { recursive: true, mode: 0o700 });
      mkdirSync(work, { mode: 0o700 });
      chmodSync(upper, mode);
      const { mtimeNs } = lstatSync(upper, { bigint: true });
      const record = openSync(at(directory, recordName), 'wx+', 0o600);
      return { id, lock, record, mode, mtimeNs };
    });
  });
}

/**
 * Whether the payload left the layer as it was made. Its modification time alone would not do: the
 * payload can set it; without it, what was made and removed again would not be seen.
 */
export function isUntouched(store: Store, { upper }: Run, made: UpperState): boolean {
  const stat = lstatSync(upper, { bigint: true });
  if (Number(stat.mode & 0o7777n) !== made.mode || stat.mtimeNs !== made.mtimeNs) return false;
  return withFd(openSync(upper, 'r'), (fd) => {
    return names(fd).length === 0 && store.native.flistxattr(fd).every(isNoise);
  });
}

/**
 * Makes anew what a payload could reach in it. Not on this thread: while the kernel takes the mount
 * apart, removing what was below it waits.
 */
export async function renew(store: Store, spare: Spare): Promise<void> {
  const { upper, work } = paths(join(store.directory, 'spare', spare.id));
  await promises.rmdir(join(work, 'work'));
  await promises.rmdir(upper);
  await promises.mkdir(upper, { mode: 0o700 });
  await promises.chmod(upper, spare.mode);
  spare.mtimeNs = (await promises.lstat(upper, { bigint: true })).mtimeNs;
}
