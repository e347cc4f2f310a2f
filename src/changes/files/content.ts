/** The content of one open file for another. */
import { fstatSync, ftruncateSync, readSync, writeSync } from 'node:fs';
import type { ChangesNative } from '../model/index.js';

const chunk = 1024 * 1024;

/**
 * Reads an open file up to the size that it has now. A program of a session may go on writing: what it appends is not
 * read, or the end would never come.
 *
 * @param most larger files are not read: undefined
 */
export function readUpTo(fd: number, most: number): Buffer | undefined {
  const { size } = fstatSync(fd);
  if (size > most) return undefined;
  const bytes = Buffer.alloc(size);
  let length = 0;
  while (length < size) {
    const count = readSync(fd, bytes, length, size - length, length);
    if (count === 0) break;
    length += count;
  }
  return bytes.subarray(0, length);
}

/** Shares the blocks if the file system can; otherwise copies the data and skips holes. */
export function copyContent(native: ChangesNative, from: number, to: number): void {
  if (native.reflink(to, from)) return;
  const buffer = Buffer.allocUnsafe(chunk);
  const size = fstatSync(from).size;
  // Data only: a file of nothing but a hole may claim any size, and must not fill the disk.
  for (let range = native.dataRange(from, 0n); range !== undefined; ) {
    const [begin, end] = range;
    copyRange(from, to, buffer, Number(begin), Math.min(Number(end), size));
    range = Number(end) < size ? native.dataRange(from, end) : undefined;
  }
  ftruncateSync(to, size);
}

function copyRange(from: number, to: number, buffer: Buffer, begin: number, end: number): void {
  for (let at = begin; at < end; ) {
    const count = readSync(from, buffer, 0, Math.min(buffer.length, end - at), at);
    if (count === 0) return;
    for (let done = 0; done < count; ) done += writeSync(to, buffer, done, count - done, at + done);
    at += count;
  }
}
