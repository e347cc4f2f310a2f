/** Declares what the engine's C gives to TypeScript: addon/engine. A number below 0 is a negative errno(3). */

/** A negative errno, or what was asked. */
export type Answer<T> = T | number;

/** Mode, links, uid, gid, device number, device, inode, size, blocks; then seconds and nanoseconds of four times. */
export type StatFields = readonly (number | bigint)[];
export type PathLike = string | Uint8Array;

/** addon/engine/text.c; encodings: 0 UTF-8, 1 latin1, 2 base64, 3 hex. */
interface Text {
  toText(bytes: Uint8Array, encoding: number): string;
  toBytes(text: string, encoding: number): ArrayBuffer;
  /** Bytes of the text, as UTF-8; -1 where there is no room for all. */
  putText(target: Uint8Array, text: string): number;
  /** The bytes of the parts behind each other: so many, with zeros at the end; or all where `size` is -1. */
  concat(parts: readonly Uint8Array[], size: number): ArrayBuffer;
  compare(a: Uint8Array, b: Uint8Array): number;
  find(bytes: Uint8Array, wanted: Uint8Array, from: number, last: boolean): number;
  /** Returns whether normalize() of node:path has nothing to do: no empty part, none that may be `.` or `..`. */
  isNormal(path: string): boolean;
  /** A new state; algorithms: 0 SHA-1, 1 SHA-256. */
  digest(algorithm: number): ArrayBuffer;
  /** Adds bytes to a state; without bytes, its digest. */
  digest(algorithm: number, state: ArrayBuffer, bytes: Uint8Array): void;
  digest(algorithm: number, state: ArrayBuffer, bytes: undefined): ArrayBuffer;
  deflate(bytes: Uint8Array): ArrayBuffer;
  /** Inflates bytes without a header; exactly so many bytes come out. */
  inflate(bytes: Uint8Array, size: number): ArrayBuffer;
}

/** addon/engine/files.c */
interface Files {
  open(path: PathLike, flags: number, mode: number): number;
  mkdir(path: PathLike, mode: number): number;
  rmdir(path: PathLike): number;
  unlink(path: PathLike): number;
  chmod(path: PathLike, mode: number): number;
  chown(path: PathLike, uid: number, gid: number): number;
  lchown(path: PathLike, uid: number, gid: number): number;
  access(path: PathLike, mode: number): number;
  rename(from: PathLike, to: PathLike): number;
  link(from: PathLike, to: PathLike): number;
  symlink(target: PathLike, path: PathLike): number;
  close(fd: number): number;
  fsync(fd: number): number;
  ftruncate(fd: number, size: number): number;
  fchmod(fd: number, mode: number): number;
  fchown(fd: number, uid: number, gid: number): number;
  isatty(fd: number): boolean;
  /** Raw mode of a terminal, or the mode it had before. */
  setRaw(fd: number, raw: boolean): number;
  umask(mask: number): number;
  readSome(fd: number, to: Uint8Array, at: number, size: number, position: number): number;
  writeSome(fd: number, from: Uint8Array, at: number, size: number, position: number): number;
  readRest(fd: number): Answer<ArrayBuffer>;
  stat(path: PathLike): Answer<StatFields>;
  lstat(path: PathLike): Answer<StatFields>;
  fstat(fd: number): Answer<StatFields>;
  fileSystemType(path: PathLike): number;
  /** Returns the free space in bytes, for this user. */
  freeSpace(path: PathLike): number;
  readlink(path: PathLike): Answer<ArrayBuffer>;
  realpath(path: PathLike): Answer<ArrayBuffer>;
  /** Name and d_type of each entry behind each other. `encoding`: that of names as text; -1: as bytes. */
  readDirectory(
    path: PathLike,
    encoding: number,
  ): Answer<readonly (string | ArrayBuffer | number)[]>;
  setTimes(path: PathLike, atime: number, mtime: number): number;
  /** Constants of the kernel's headers: open flags, modes of access(2), types of files. */
  readonly constants: Readonly<Record<string, number>>;
}

/** addon/engine/loop.c */
interface Loop {
  /** Signals as negative numbers, and the places of descriptors that can be read. */
  wait(timeoutMs: number, descriptors: readonly number[]): readonly number[];
  /** Returns whether a call of another thread is waited for. */
  held(): boolean;
  jobs(): void;
  catchSignal(signal: number, caught: boolean): number;
  sendSignal(pid: number, signal: number): number;
  /** A pidfd. No search in PATH; an empty `cwd` is this process's. */
  start(
    path: string,
    argv: readonly string[],
    envp: readonly string[],
    stdio: readonly [number, number, number],
    cwd: string,
  ): number;
  /** Exit status and signal of a process whose pidfd can be read; closes it. */
  ended(pidfd: number): readonly [number, number];
  pipe(): Answer<readonly [number, number]>;
  end(status: number): never;
}

/** addon/engine/system.c */
interface System {
  /** Words of the command line, and of the environment, as Node reads them. */
  readonly argv: readonly string[];
  environment(): readonly string[];
  readonly pid: number;
  /** Real and effective user, effective group. */
  ids(): readonly [number, number, number];
  cwd(): Answer<ArrayBuffer>;
  /** Nanoseconds of CLOCK_MONOTONIC. */
  now(): bigint;
  sleep(milliseconds: number): void;
  release(): string;
  errorName(errno: number): string;
  errorText(errno: number): string;
  /** Numbers by name, SIGHUP and so on. */
  readonly signals: Readonly<Record<string, number>>;
  readonly errnos: Readonly<Record<string, number>>;
  /** Absolute path of the engine's executable. */
  readonly executable: string;
  /** The exports of the addon that is linked in. */
  addon(): unknown;
}

export interface Machine extends Text {
  readonly files: Files;
  readonly loop: Loop;
  readonly system: System;
}

/** The global scope has it as `machine`, which src/engine/host.ts types for itself. */
export const machine = (globalThis as unknown as { machine: Machine }).machine;
