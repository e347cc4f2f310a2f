/**
 * A write-ahead journal of what `apply` does in the host's directories: after a kill, the next command
 * undoes what was not finished (recover-journal.ts).
 *
 * One rename(2) moves each file to its name, so it exists completely or not at all. A kill can only leave
 * a temporary file and a directory with a relaxed mode; the journal lists both. Each step has a name; a line
 * says when it is over, so that recovery looks only at steps that were cut short.
 *
 * The payload reads the ID of its run, so a name that is made of it could be planted. Temporary names are random,
 * and the inode that got one is recorded.
 */

import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { closeDescriptor } from '../../native/index.js';
import { at, lstatAt, removeQuietly } from '../files/fdtree.js';

export const journalName: Buffer = Buffer.from('apply');

/**
 * `temp`: something new gets the temporary name `temp`, to be moved to `name`; `take`: `name` is moved to `temp` to be
 * deleted; `exchange`: the layer's file and the host's are exchanged, so that the old one is in the layer until it is
 * removed; `mode`: the directory, if it is that inode, gets this mode at the end.
 */
export type JournalEntry =
  | {
      readonly op: 'temp';
      readonly directory: Buffer;
      readonly temp: string;
      readonly name: Buffer;
      /** 0 where there is no old file. */
      readonly oldIno: bigint;
      /** True if the run's change counts as applied once the file is in place: it is a merge. */
      readonly merged: boolean;
    }
  | {
      readonly op: 'take';
      readonly directory: Buffer;
      readonly temp: string;
      readonly name: Buffer;
      readonly oldIno: bigint;
    }
  | {
      readonly op: 'exchange';
      readonly directory: Buffer;
      readonly name: Buffer;
      readonly oldIno: bigint;
      readonly newIno: bigint;
    }
  | {
      readonly op: 'mode';
      readonly directory: Buffer;
      readonly mode: number;
      readonly ino: bigint;
    };

/** How a step ended: `done` as it was meant, `undone` with everything as before. */
export type StepEnd = 'done' | 'undone';

/** A step as the journal has it. */
export interface Step {
  readonly entry: JournalEntry;
  /** The inode that got the name in a `temp` step; undefined if the process was killed before it wrote that. */
  readonly made?: bigint | undefined;
  readonly end?: StepEnd | undefined;
}

type FieldValue = string | number | bigint | boolean | Buffer;

const nameBytes = 16;

export class Journal {
  readonly #fd: number;
  /** Sets this journal's steps apart from those of an interrupted one in the same file. */
  readonly #id: string;
  #steps = 0;
  #random: Buffer = Buffer.alloc(0);

  constructor(runDirectory: number) {
    this.#fd = openSync(
      at(runDirectory, journalName),
      constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW,
      0o600,
    );
    this.#id = this.#randomHex(4);
  }

  /** Announces a step. Returns its name. */
  begin(entry: JournalEntry): string {
    const step = `${this.#id}-${this.#steps++}`;
    this.#write({ step, ...entry });
    return step;
  }

  /** Records which inode got the temporary name of a `temp` step. */
  made(step: string, ino: bigint): void {
    this.#write({ step, op: 'made', ino });
  }

  end(step: string, how: StepEnd): void {
    this.#write({ step, op: how });
  }

  /** Returns a temporary name that no program can have guessed. */
  newName(): string {
    return `.wasbox-${this.#randomHex(nameBytes)}`;
  }

  #randomHex(bytes: number): string {
    if (this.#random.length < bytes) this.#random = randomBytes(64 * nameBytes);
    const hex = this.#random.toString('hex', 0, bytes);
    this.#random = this.#random.subarray(bytes);
    return hex;
  }

  #write(entry: Readonly<Record<string, FieldValue>>): void {
    const fields: Record<string, string | number | boolean> = {};
    for (const [key, value] of Object.entries(entry)) {
      if (typeof value === 'bigint') fields[key] = value.toString();
      else fields[key] = typeof value === 'object' ? value.toString('base64') : value;
    }
    writeSync(this.#fd, `${JSON.stringify(fields)}\n`);
  }

  close(): void {
    closeDescriptor(this.#fd);
  }
}

/** Reads random bytes from the kernel: the engine of the command line has no other source. */
function randomBytes(count: number): Buffer {
  const fd = openSync('/dev/urandom', constants.O_RDONLY);
  try {
    const bytes = Buffer.alloc(count);
    for (let done = 0; done < count; ) done += readSync(fd, bytes, done, count - done, null);
    return bytes;
  } finally {
    closeSync(fd);
  }
}

export function dropJournal(runDirectory: number): void {
  removeQuietly(runDirectory, journalName);
}

/** Returns whether an `apply` was interrupted. */
export function hasJournal(runDirectory: number): boolean {
  return lstatAt(runDirectory, journalName) !== undefined;
}

/** The steps of a journal, in their order. Lines that are incomplete are left out: their steps were not started. */
export function parseJournal(text: string): Step[] {
  const steps = new Map<string, Step>();
  for (const line of text.split('\n')) {
    const value = parseLine(line);
    if (value === undefined || typeof value.step !== 'string') continue;
    const { step } = value;
    const known = steps.get(step);
    const entry = entryOf(value);
    if (entry !== undefined) steps.set(step, { entry });
    else if (known === undefined) continue;
    else if (value.op === 'made') steps.set(step, { ...known, made: BigInt(String(value.ino)) });
    else if (value.op === 'done' || value.op === 'undone')
      steps.set(step, { ...known, end: value.op });
  }
  return [...steps.values()];
}

function parseLine(line: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function entryOf(value: Record<string, unknown>): JournalEntry | undefined {
  const bytes = (field: unknown): Buffer => Buffer.from(String(field), 'base64');
  const number = (field: unknown): bigint => BigInt(String(field));
  const directory = bytes(value.directory);
  if (value.op === 'mode') {
    return { op: 'mode', directory, mode: Number(value.mode), ino: number(value.ino) };
  }
  const name = bytes(value.name);
  if (value.op === 'exchange') {
    const { oldIno, newIno } = value;
    return { op: 'exchange', directory, name, oldIno: number(oldIno), newIno: number(newIno) };
  }
  const temp = String(value.temp);
  if (!/^\.wasbox-[0-9a-f]{32}$/.test(temp)) return undefined;
  if (value.op === 'take') {
    return { op: 'take', directory, temp, name, oldIno: number(value.oldIno) };
  }
  if (value.op !== 'temp') return undefined;
  const merged = value.merged === true;
  return { op: 'temp', directory, temp, name, oldIno: number(value.oldIno), merged };
}
