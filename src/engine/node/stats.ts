/** Returns what stat(2) says of a file, as Node's Stats: with numbers, or with bigints and nanoseconds. */
import { machine, type StatFields } from '../machine.js';

const { S_IFMT, S_IFREG, S_IFDIR, S_IFLNK, S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK } =
  machine.files.constants;

/** Places of the fields, as addon/engine/files.c lists them. */
const [MODE, NLINK, UID, GID, RDEV, DEV, INO, SIZE, BLOCKS, ATIME, MTIME, CTIME, BIRTH] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 15,
] as const;

class Kinds {
  protected readonly fields: StatFields;

  constructor(fields: StatFields) {
    this.fields = fields;
  }

  #is(type: number | undefined): boolean {
    return (Number(this.fields[MODE]) & (S_IFMT ?? 0)) === type;
  }
  isFile(): boolean {
    return this.#is(S_IFREG);
  }
  isDirectory(): boolean {
    return this.#is(S_IFDIR);
  }
  isSymbolicLink(): boolean {
    return this.#is(S_IFLNK);
  }
  isFIFO(): boolean {
    return this.#is(S_IFIFO);
  }
  isSocket(): boolean {
    return this.#is(S_IFSOCK);
  }
  isCharacterDevice(): boolean {
    return this.#is(S_IFCHR);
  }
  isBlockDevice(): boolean {
    return this.#is(S_IFBLK);
  }
}

export class Stats extends Kinds {
  #number(place: number): number {
    return Number(this.fields[place]);
  }
  #ms(place: number): number {
    return this.#number(place) * 1000 + this.#number(place + 1) / 1e6;
  }
  get mode(): number {
    return this.#number(MODE);
  }
  get nlink(): number {
    return this.#number(NLINK);
  }
  get uid(): number {
    return this.#number(UID);
  }
  get gid(): number {
    return this.#number(GID);
  }
  get rdev(): number {
    return this.#number(RDEV);
  }
  get dev(): number {
    return this.#number(DEV);
  }
  get ino(): number {
    return this.#number(INO);
  }
  get size(): number {
    return this.#number(SIZE);
  }
  get blocks(): number {
    return this.#number(BLOCKS);
  }
  get atimeMs(): number {
    return this.#ms(ATIME);
  }
  get mtimeMs(): number {
    return this.#ms(MTIME);
  }
  get ctimeMs(): number {
    return this.#ms(CTIME);
  }
  get birthtimeMs(): number {
    return this.#ms(BIRTH);
  }
  get mtime(): Date {
    return new Date(this.mtimeMs);
  }
}

export class BigStats extends Kinds {
  #bigint(place: number): bigint {
    return BigInt(this.fields[place] ?? 0);
  }
  #ns(place: number): bigint {
    return this.#bigint(place) * 1_000_000_000n + this.#bigint(place + 1);
  }
  get mode(): bigint {
    return this.#bigint(MODE);
  }
  get nlink(): bigint {
    return this.#bigint(NLINK);
  }
  get uid(): bigint {
    return this.#bigint(UID);
  }
  get gid(): bigint {
    return this.#bigint(GID);
  }
  get rdev(): bigint {
    return this.#bigint(RDEV);
  }
  get dev(): bigint {
    return this.#bigint(DEV);
  }
  get ino(): bigint {
    return this.#bigint(INO);
  }
  get size(): bigint {
    return this.#bigint(SIZE);
  }
  get blocks(): bigint {
    return this.#bigint(BLOCKS);
  }
  get atimeNs(): bigint {
    return this.#ns(ATIME);
  }
  get mtimeNs(): bigint {
    return this.#ns(MTIME);
  }
  get ctimeNs(): bigint {
    return this.#ns(CTIME);
  }
  get birthtimeNs(): bigint {
    return this.#ns(BIRTH);
  }
  get mtimeMs(): bigint {
    return this.mtimeNs / 1_000_000n;
  }
}
