/** The synchronous calls of node:fs that the command line makes. */
import { EngineBuffer, encodingOf } from '../buffer.js';
import { machine, type PathLike } from '../machine.js';
import { type Dirent, direntOf } from './dirent.js';
import { checked, errnoError, isAbsent } from './errors.js';
import { BigStats, Stats } from './stats.js';

const { files } = machine;

export const constants = files.constants;

type Path = PathLike | { toString(): string };
type Encoding = string | { readonly encoding?: string | null } | null | undefined;
type StatOptions = { readonly bigint?: boolean; readonly throwIfNoEntry?: boolean };

/** A URL is a path here already (src/engine/polyfills.ts). */
const pathOf = (path: Path): PathLike =>
  typeof path === 'string' || path instanceof Uint8Array ? path : path.toString();

const encodingIn = (options: Encoding): string | undefined =>
  (typeof options === 'string' ? options : options?.encoding) ?? undefined;

/** A name or text as it is wanted: bytes, or text in an encoding. */
function textOf(bytes: ArrayBuffer, encoding: string | undefined): string | EngineBuffer {
  const buffer = new EngineBuffer(bytes);
  return encoding === 'buffer' ? buffer : buffer.toString(encoding);
}

const flagsByName: Readonly<Record<string, readonly string[]>> = {
  r: ['O_RDONLY'],
  'r+': ['O_RDWR'],
  w: ['O_WRONLY', 'O_CREAT', 'O_TRUNC'],
  wx: ['O_WRONLY', 'O_CREAT', 'O_TRUNC', 'O_EXCL'],
  a: ['O_WRONLY', 'O_CREAT', 'O_APPEND'],
};

const flagsOf = (flags: string | number): number =>
  typeof flags === 'number'
    ? flags
    : (flagsByName[flags] ?? []).reduce((all, name) => all | (constants[name] ?? 0), 0);

export const openSync = (path: Path, flags: string | number = 'r', mode = 0o666): number =>
  checked(files.open(pathOf(path), flagsOf(flags), mode), 'open', path);

export const closeSync = (fd: number): void => void checked(files.close(fd), 'close');
export const fsyncSync = (fd: number): void => void checked(files.fsync(fd), 'fsync');
export const ftruncateSync = (fd: number, size = 0): void =>
  void checked(files.ftruncate(fd, size), 'ftruncate');
export const fchmodSync = (fd: number, mode: number): void =>
  void checked(files.fchmod(fd, mode), 'fchmod');
export const fchownSync = (fd: number, uid: number, gid: number): void =>
  void checked(files.fchown(fd, uid, gid), 'fchown');
export const rmdirSync = (path: Path): void =>
  void checked(files.rmdir(pathOf(path)), 'rmdir', path);
export const unlinkSync = (path: Path): void =>
  void checked(files.unlink(pathOf(path)), 'unlink', path);
export const chmodSync = (path: Path, mode: number): void =>
  void checked(files.chmod(pathOf(path), mode), 'chmod', path);
export const chownSync = (path: Path, uid: number, gid: number): void =>
  void checked(files.chown(pathOf(path), uid, gid), 'chown', path);
export const lchownSync = (path: Path, uid: number, gid: number): void =>
  void checked(files.lchown(pathOf(path), uid, gid), 'lchown', path);
export const renameSync = (from: Path, to: Path): void =>
  void checked(files.rename(pathOf(from), pathOf(to)), 'rename', from);
export const linkSync = (from: Path, to: Path): void =>
  void checked(files.link(pathOf(from), pathOf(to)), 'link', from);
export const symlinkSync = (target: Path, path: Path): void =>
  void checked(files.symlink(pathOf(target), pathOf(path)), 'symlink', target);
export const utimesSync = (path: Path, atime: number, mtime: number): void =>
  void checked(files.setTimes(pathOf(path), atime, mtime), 'utime', path);
export const accessSync = (path: Path, mode = 0): void =>
  void checked(files.access(pathOf(path), mode), 'access', path);
export const existsSync = (path: Path): boolean => files.access(pathOf(path), 0) === 0;
export const statfsSync = (path: Path): { type: number; bsize: number; bavail: number } => ({
  type: checked(files.fileSystemType(pathOf(path)), 'statfs', path),
  bsize: 1,
  bavail: checked(files.freeSpace(pathOf(path)), 'statfs', path),
});

export function mkdirSync(
  path: Path,
  options: { readonly mode?: number; readonly recursive?: boolean } = {},
): void {
  const { mode = 0o777, recursive = false } = options;
  const made = files.mkdir(pathOf(path), mode);
  if (made >= 0) return;
  if (!recursive) throw errnoError(made, 'mkdir', path);
  const text = String(path);
  // Another process may have made it meanwhile, too.
  const found = files.stat(text);
  if (typeof found !== 'number' && new Stats(found).isDirectory()) return;
  const parent = text.replace(/\/+[^/]*\/*$/, '') || '/';
  if (!isAbsent(made) || parent === text) throw errnoError(made, 'mkdir', path);
  mkdirSync(parent, options);
  mkdirSync(path, options);
}

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

export function mkdtempSync(prefix: string): string {
  for (let attempt = 0; ; attempt++) {
    const random = new Uint8Array(6);
    const urandom = openSync('/dev/urandom');
    readSync(urandom, random);
    closeSync(urandom);
    const path = `${prefix}${[...random].map((byte) => letters[byte % letters.length]).join('')}`;
    const made = files.mkdir(path, 0o700);
    if (made >= 0) return path;
    if (attempt === 100 || existsSync(path) === false) throw errnoError(made, 'mkdtemp', prefix);
  }
}

export function rmSync(
  path: string,
  options: { readonly recursive?: boolean; readonly force?: boolean } = {},
): void {
  const found = lstatSync(path, { throwIfNoEntry: options.force !== true });
  if (found === undefined) return;
  if (!found.isDirectory()) {
    unlinkSync(path);
    return;
  }
  if (options.recursive === true) {
    for (const name of readdirSync(path)) rmSync(`${path}/${name as string}`, options);
  }
  rmdirSync(path);
}

function stated(
  call: 'stat' | 'lstat',
  path: Path,
  { bigint = false, throwIfNoEntry = true }: StatOptions = {},
): Stats | BigStats | undefined {
  const got = files[call](pathOf(path));
  if (typeof got !== 'number') return bigint ? new BigStats(got) : new Stats(got);
  if (!throwIfNoEntry && isAbsent(got)) return undefined;
  throw errnoError(got, call, path);
}

export const statSync = (path: Path, options?: StatOptions) => stated('stat', path, options);
export const lstatSync = (path: Path, options?: StatOptions) => stated('lstat', path, options);

export function fstatSync(fd: number, { bigint = false }: StatOptions = {}): Stats | BigStats {
  const got = files.fstat(fd);
  if (typeof got === 'number') throw errnoError(got, 'fstat');
  return bigint ? new BigStats(got) : new Stats(got);
}

export function readlinkSync(path: Path, options?: Encoding): string | EngineBuffer {
  const got = files.readlink(pathOf(path));
  if (typeof got === 'number') throw errnoError(got, 'readlink', path);
  return textOf(got, encodingIn(options));
}

export function realpathSync(path: Path, options?: Encoding): string | EngineBuffer {
  const got = files.realpath(pathOf(path));
  if (typeof got === 'number') throw errnoError(got, 'realpath', path);
  return textOf(got, encodingIn(options));
}
realpathSync.native = realpathSync;

type DirectoryOptions =
  | string
  | { readonly encoding?: string | null; readonly withFileTypes?: boolean }
  | undefined;

export function readdirSync(
  path: Path,
  options?: DirectoryOptions,
): (string | EngineBuffer | Dirent)[] {
  const encoding = encodingIn(options);
  const withTypes = typeof options === 'object' && options.withFileTypes === true;
  const wanted = encoding === 'buffer' ? -1 : encodingOf(encoding);
  const got = files.readDirectory(pathOf(path), wanted);
  if (typeof got === 'number') throw errnoError(got, 'scandir', path);
  const entries: (string | EngineBuffer | Dirent)[] = [];
  for (let at = 0; at < got.length; at += 2) {
    const found = got[at] as string | ArrayBuffer;
    const name = typeof found === 'string' ? found : new EngineBuffer(found);
    entries.push(withTypes ? direntOf(pathOf(path), name, got[at + 1] as number, wanted) : name);
  }
  return entries;
}

interface Place {
  readonly offset?: number;
  readonly length?: number;
  readonly position?: number | null;
}

function place(bytes: Uint8Array, offset: number | Place, length?: number, position?: unknown) {
  const given = typeof offset === 'object' ? offset : { offset, length, position };
  const { offset: at = 0 } = given;
  const where = typeof given.position === 'number' ? given.position : -1;
  return [at, given.length ?? bytes.length - at, where] as const;
}

export function readSync(
  fd: number,
  to: Uint8Array,
  offset: number | Place = 0,
  length?: number,
  position?: number | bigint | null,
): number {
  const where = typeof position === 'bigint' ? Number(position) : position;
  return checked(files.readSome(fd, to, ...place(to, offset, length, where)), 'read');
}

export function writeSync(
  fd: number,
  data: Uint8Array | string,
  offset: number | Place = 0,
  length?: number,
  position?: number | null,
): number {
  const bytes = typeof data === 'string' ? EngineBuffer.from(data) : data;
  return checked(files.writeSome(fd, bytes, ...place(bytes, offset, length, position)), 'write');
}

export function readFileSync(file: Path | number, options?: Encoding): string | EngineBuffer {
  const fd = typeof file === 'number' ? file : openSync(file);
  try {
    const got = files.readRest(fd);
    if (typeof got === 'number') throw errnoError(got, 'read');
    const encoding = encodingIn(options);
    const bytes = new EngineBuffer(got);
    return encoding === undefined ? bytes : bytes.toString(encoding);
  } finally {
    if (fd !== file) closeSync(fd);
  }
}

export function writeFileSync(
  file: Path | number,
  data: Uint8Array | string,
  options?: Encoding,
): void {
  const bytes = typeof data === 'string' ? EngineBuffer.from(data, encodingIn(options)) : data;
  const fd = typeof file === 'number' ? file : openSync(file, 'w');
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
  } finally {
    if (fd !== file) closeSync(fd);
  }
}
