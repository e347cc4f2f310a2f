/**
 * A run's journal entry on disk: validated when read, replaced atomically when written.
 *
 * The user owns the state directory, so the check is against damage and other versions. Of the file's
 * contents, only the working directory is used as a path, and its identity is verified.
 */

import { fsyncSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { ChangesError } from '../../errors/index.js';
import { closeDescriptor } from '../../native/index.js';
import { at, createFile, lstatAt, openToRead, removeQuietly, withFd } from '../files/fdtree.js';
import {
  type ChangesNative,
  type RunRecord,
  type RunStatus,
  recordVersion,
  type TreeIdentity,
} from '../model/index.js';
import { isLayerName, isResetName, isRunId, isTick } from './id.js';

export const recordName: Buffer = Buffer.from('run.json');
const statuses: readonly RunStatus[] = ['running', 'kept', 'applied', 'discarded', 'interrupted'];

/** Returns whether the run has a journal entry. Without one, it is being made or was never started. */
export const hasRecord = (directory: number): boolean =>
  lstatAt(directory, recordName) !== undefined;

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
const isCount = (value: unknown): value is number => Number.isSafeInteger(value);
const isDecimal = (value: unknown): value is string =>
  typeof value === 'string' && /^\d{1,20}$/.test(value);
const isTime = (value: unknown): value is string =>
  typeof value === 'string' && !Number.isNaN(Date.parse(value));

function isTree(value: unknown): value is TreeIdentity {
  if (!isObject(value)) return false;
  const { path, dev, ino, birthNs, home, placed } = value;
  const named =
    typeof path === 'string' && path.startsWith('/') && isDecimal(dev) && isDecimal(ino);
  const known = home === undefined || home === 'empty' || home === 'cow';
  const dated = birthNs === undefined || isDecimal(birthNs);
  return named && known && dated && (placed === undefined || isWords(placed));
}

function isWords(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

const isLayerNames = (value: unknown): boolean =>
  Array.isArray(value) && value.every((name) => typeof name === 'string' && isLayerName(name));

const isEarlier = (value: unknown): boolean =>
  isObject(value) && isWords(value.argv) && isTime(value.started);

const isListOf = (value: unknown, isOne: (item: unknown) => boolean): boolean =>
  value === undefined || (Array.isArray(value) && value.every(isOne));

const isVersion = (value: unknown): boolean =>
  isCount(value) && value >= 1 && value <= recordVersion;

function isRecord(value: unknown): value is RunRecord {
  if (!isObject(value) || !isVersion(value.schemaVersion)) return false;
  const { id, command, argv, workdir, counts } = value;
  return (
    typeof id === 'string' &&
    isRunId(id) &&
    typeof command === 'string' &&
    isWords(argv) &&
    isTree(workdir) &&
    isListOf(value.trees, isTree) &&
    isListOf(value.earlier, isEarlier) &&
    isTime(value.started) &&
    (value.ended === undefined || isTime(value.ended)) &&
    (value.order === undefined || isTick(value.order)) &&
    isDecimal(value.baselineNs) &&
    statuses.includes(value.status as RunStatus) &&
    (value.discard === undefined || typeof value.discard === 'boolean') &&
    (value.incomplete === undefined || typeof value.incomplete === 'boolean') &&
    (value.stack === undefined || isLayerNames(value.stack)) &&
    (value.reset === undefined || value.reset === true || isResetName(value.reset)) &&
    (value.cachesOnly === undefined || typeof value.cachesOnly === 'boolean') &&
    (value.shared === undefined || typeof value.shared === 'boolean') &&
    (value.exitCode === undefined || isCount(value.exitCode)) &&
    (value.signal === undefined || isCount(value.signal)) &&
    isCount(value.sizeBytes) &&
    (value.diskBytes === undefined || isCount(value.diskBytes)) &&
    isObject(counts) &&
    isCount(counts.added) &&
    isCount(counts.modified) &&
    isCount(counts.deleted)
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Parses a journal entry; undefined if it is damaged or from a newer version. */
export function parseRecord(text: string): RunRecord | undefined {
  const value = parsed(text);
  return isRecord(value) ? value : undefined;
}

/** Returns whether a newer version wrote a journal entry. */
export function isOfNewer(text: string): boolean {
  const value = parsed(text);
  return isObject(value) && isCount(value.schemaVersion) && value.schemaVersion > recordVersion;
}

/** A newer version saved the run: this one leaves it as it is. */
export class NewerRunError extends ChangesError {
  constructor(id: string) {
    super('ERR_STATE_DIR', `Run ${id} was saved by a newer version of wasbox.`, {
      hint: 'Use that version to review, apply or discard it.',
    });
  }
}

/**
 * Reads the journal entry in a run's directory.
 *
 * @param name of the entry, below `directory`
 * @throws ChangesError ERR_STATE_DIR if it is missing, damaged or another run's
 * @throws NewerRunError if a newer version wrote it
 */
export function readRecord(
  native: ChangesNative,
  directory: number,
  id: string,
  name: Buffer = recordName,
): RunRecord {
  let text = '';
  try {
    text = withFd(openToRead(native, directory, name), (fd) => readFileSync(fd, 'utf8'));
  } catch (cause) {
    throw damaged(id, cause);
  }
  const record = parseRecord(text);
  if (isOfNewer(text)) throw new NewerRunError(id);
  if (record === undefined || record.id !== id) throw damaged(id, undefined);
  return record;
}

function damaged(id: string, cause: unknown): ChangesError {
  return new ChangesError('ERR_STATE_DIR', `The journal entry of run ${id} cannot be read.`, {
    cause,
    hint: `To remove the run and its changes: wasbox discard ${id}`,
  });
}

/** Writes a file atomically: no reader sees a part of it, and of several writers the last one counts. */
export function writeWhole(
  native: ChangesNative,
  directory: number,
  name: Buffer,
  content: string,
  durable: boolean,
): void {
  const temporary = Buffer.from(`${name.toString()}.${process.pid}-${process.hrtime.bigint()}.new`);
  const fd = createFile(native, directory, temporary);
  try {
    writeFileSync(fd, content);
    if (durable) fsyncSync(fd);
    renameSync(at(directory, temporary), at(directory, name));
  } catch (error) {
    removeQuietly(directory, temporary);
    throw error;
  } finally {
    closeDescriptor(fd);
  }
}

/**
 * Replaces the journal entry. `durable` survives a power failure; the first entry of a run need not,
 * because the layer is still empty.
 */
export function writeRecord(
  native: ChangesNative,
  directory: number,
  record: RunRecord,
  durable: boolean,
): void {
  writeWhole(native, directory, recordName, `${JSON.stringify(record, null, 2)}\n`, durable);
}
