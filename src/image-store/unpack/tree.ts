/**
 * The directory of a layer while it is unpacked. Every name comes from an image that others made: it is looked
 * up in an open directory, no symbolic link is ever followed by the kernel, and a link among the parents of an
 * entry leads to where it would lead with the layer as the root, as `docker` and `umoci` do it.
 */
import {
  constants,
  fchmodSync,
  linkSync,
  mkdirSync,
  readlinkSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import {
  at,
  createFile,
  lstatAt,
  opaqueName,
  openDirectory,
  removeTree,
  withFd,
} from '../../changes/index.js';
import { invalidImage } from '../../image/index.js';
import { closeDescriptor } from '../../native/index.js';
import { gitPath } from '../../text/index.js';
import type { StoreNative } from '../native.js';
import { type LayersBelow, WHITEOUT } from './below.js';

/** path_resolution(7): the kernel follows as many. */
const linksLimit = 40;
/** PATH_MAX, without the NUL. */
const pathLimit = 4095;
const SLASH = 0x2f;
const DOT = 0x2e;
const yes = Buffer.from('y');

export const shown = (path: Buffer): string => gitPath(path);

const isParent = (name: Buffer): boolean => name.length === 2 && name[0] === DOT && name[1] === DOT;

/** The names of a path, without empty ones and `.`. @param check throws for one that may not be there */
function splitPath(path: Buffer, check: (name: Buffer) => void = () => {}): Buffer[] {
  const names: Buffer[] = [];
  for (let from = 0; from <= path.length; ) {
    const slash = path.indexOf(SLASH, from);
    const end = slash < 0 ? path.length : slash;
    const name = path.subarray(from, end);
    if (name.length > 255) throw invalidImage('it has a name of more than 255 bytes');
    check(name);
    if (name.length > 0 && !(name.length === 1 && name[0] === DOT)) names.push(name);
    from = end + 1;
  }
  return names;
}

/**
 * The names of an entry's path, which begins at the layer's root with or without a slash.
 * @throws ImageError ERR_IMAGE where it leads out of the layer, or is too long
 */
export function namesOf(path: Buffer): Buffer[] {
  const names = splitPath(path, (name) => {
    if (isParent(name)) throw invalidImage(`it has a path with "..": ${shown(path)}`);
    if (name.includes(0)) throw invalidImage('it has a name with a NUL');
  });
  if (path.length > pathLimit) throw invalidImage(`it has a path of more than ${pathLimit} bytes`);
  return names;
}

const joined = (names: readonly Buffer[]): Buffer =>
  Buffer.concat(names.flatMap((name, i) => (i === 0 ? [name] : [Buffer.of(SLASH), name])));

/** Mode and time of a directory, set when nothing more is written in it. */
interface Finish {
  readonly names: readonly Buffer[];
  mode: number;
  mtimeNs: bigint | undefined;
}

/** An open directory of the layer, and its own names: no symbolic link is among them. */
export interface Place {
  readonly fd: number;
  readonly names: readonly Buffer[];
}

export class LayerTree {
  readonly native: StoreNative;
  readonly #root: number;
  readonly #below: LayersBelow;
  /** Entries by path, in the order in which they were made: parents first. */
  readonly #finish = new Map<string, Finish>();
  /** The directory that the last entry was in, which the next one is probably in, too. */
  #last: { readonly key: string; readonly place: Place } | undefined;
  /** True if the layers below had a say: the result is then only right above them. */
  dependsOnBelow = false;
  /** True if the layer hides all below it. */
  opaqueRoot = false;

  constructor(native: StoreNative, root: number, below: LayersBelow) {
    this.native = native;
    this.#root = root;
    this.#below = below;
  }

  close(): void {
    this.#forget();
  }

  #forget(): void {
    if (this.#last !== undefined && this.#last.place.fd !== this.#root) {
      closeDescriptor(this.#last.place.fd);
    }
    this.#last = undefined;
  }

  /** The directory that an entry is in, made where it is missing. Open until the next call. */
  parentOf(names: readonly Buffer[]): Place {
    const parents = names.slice(0, -1);
    const key = joined(parents).toString('latin1');
    if (this.#last?.key === key) return this.#last.place;
    const place = this.#open(parents, true);
    if (place === undefined) throw invalidImage('it has an entry without a directory');
    this.#forget();
    this.#last = { key, place };
    return place;
  }

  /** Opens a directory; undefined where it is missing and not to be made. */
  #open(wanted: readonly Buffer[], make: boolean): Place | undefined {
    const stack: { readonly name: Buffer; readonly fd: number }[] = [];
    const pending = [...wanted];
    let links = 0;
    const top = (): number => stack.at(-1)?.fd ?? this.#root;
    const pop = (): void => {
      const last = stack.pop();
      if (last !== undefined) closeDescriptor(last.fd);
    };
    const follow = (target: Buffer): void => {
      links += 1;
      if (links > linksLimit) throw invalidImage('it has symbolic links that lead in a circle');
      if (target[0] === SLASH) while (stack.length > 0) pop();
      pending.unshift(...splitPath(target));
    };
    try {
      for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
        if (isParent(name)) {
          pop();
          continue;
        }
        const link = this.#linkAt(top(), name);
        if (link !== undefined) {
          follow(link);
          continue;
        }
        const names = [...stack.map((one) => one.name), name];
        if (names.length > pathLimit / 2) throw invalidImage('it has a path that is too deep');
        const target = this.#step(top(), name, names, make);
        if (target === undefined) return undefined;
        if (target instanceof Uint8Array) follow(target);
        else stack.push({ name, fd: target.fd });
      }
      const last = stack.pop();
      return {
        fd: last?.fd ?? this.#root,
        names: [...stack, ...(last === undefined ? [] : [last])].map((one) => one.name),
      };
    } finally {
      while (stack.length > 0) pop();
    }
  }

  #linkAt(fd: number, name: Buffer): Buffer | undefined {
    const stat = lstatAt(fd, name);
    return stat?.isSymbolicLink() === true
      ? readlinkSync(at(fd, name), { encoding: 'buffer' })
      : undefined;
  }

  /** Enters a directory; makes it as the layers below have it. A link of theirs is returned. */
  #step(
    parent: number,
    name: Buffer,
    names: readonly Buffer[],
    make: boolean,
  ): { readonly fd: number } | Buffer | undefined {
    const stat = lstatAt(parent, name);
    if (stat?.isDirectory() === true) return { fd: openDirectory(this.native, parent, name) };
    if (!make) return undefined;
    const whiteout = stat?.isCharacterDevice() === true;
    if (stat !== undefined && !whiteout) {
      throw invalidImage(`it has a path below a file: ${shown(joined(names))}`);
    }
    let mode = 0o755;
    let mtimeNs: bigint | undefined;
    if (!whiteout) {
      this.dependsOnBelow = true;
      const below = this.#hiddenBelow(names) ? undefined : this.#below.find(names);
      if (below?.kind === 'symlink') return below.target;
      if (below?.kind === 'directory') ({ mode, mtimeNs } = below);
    }
    if (whiteout) unlinkSync(at(parent, name));
    mkdirSync(at(parent, name), 0o700);
    const fd = openDirectory(this.native, parent, name);
    if (whiteout) this.native.fsetxattr(fd, opaqueName, yes);
    this.#finish.set(joined(names).toString('latin1'), { names, mode, mtimeNs });
    return { fd };
  }

  /** Returns whether this layer has an opaque directory among the parents. */
  #hiddenBelow(names: readonly Buffer[]): boolean {
    if (this.opaqueRoot) return true;
    const opened: number[] = [];
    try {
      let fd = this.#root;
      for (const name of names.slice(0, -1)) {
        fd = openDirectory(this.native, fd, name);
        opened.push(fd);
        if (this.native.fgetxattr(fd, opaqueName) !== undefined) return true;
      }
      return false;
    } finally {
      for (const fd of opened) closeDescriptor(fd);
    }
  }

  /** Makes the place free. @returns whether there was a whiteout */
  #clear(place: Place, name: Buffer): boolean {
    const stat = lstatAt(place.fd, name);
    if (stat === undefined) return false;
    if (stat.isDirectory()) {
      this.#forgetBelow([...place.names, name]);
      removeTree(this.native, place.fd, name);
    } else {
      unlinkSync(at(place.fd, name));
    }
    return stat.isCharacterDevice();
  }

  #forgetBelow(names: readonly Buffer[]): void {
    const key = joined(names).toString('latin1');
    for (const path of this.#finish.keys()) {
      if (path === key || path.startsWith(`${key}/`)) this.#finish.delete(path);
    }
  }

  /** The root itself, where `names` is empty. */
  directory(
    names: readonly Buffer[],
    mode: number,
    mtimeNs: bigint,
    use: (fd: number) => void,
  ): void {
    const name = names.at(-1);
    if (name === undefined) {
      this.#finish.set('', { names: [], mode, mtimeNs });
      withFd(this.#reopen([]), use);
      return;
    }
    const place = this.parentOf(names);
    const isThere = lstatAt(place.fd, name)?.isDirectory() === true;
    const whiteout = !isThere && this.#clear(place, name);
    if (!isThere) mkdirSync(at(place.fd, name), 0o700);
    withFd(openDirectory(this.native, place.fd, name), (fd) => {
      if (whiteout) this.native.fsetxattr(fd, opaqueName, yes);
      use(fd);
    });
    const own = [...place.names, name];
    this.#finish.set(joined(own).toString('latin1'), { names: own, mode, mtimeNs });
  }

  /** Makes an empty file. @returns a descriptor, which the caller closes */
  file(names: readonly Buffer[]): number {
    const [place, name] = this.#free(names);
    return createFile(this.native, place.fd, name);
  }

  symlink(names: readonly Buffer[], target: Buffer, mtimeNs: bigint): void {
    if (target.length === 0 || target.length > pathLimit || target.includes(0)) {
      throw invalidImage('it has a symbolic link without a proper target');
    }
    const [place, name] = this.#free(names);
    symlinkSync(target, at(place.fd, name));
    this.native.setTimesAt(place.fd, name, mtimeNs, mtimeNs);
  }

  fifo(names: readonly Buffer[], mode: number, mtimeNs: bigint): void {
    const [place, name] = this.#free(names);
    this.native.makeNode(place.fd, name, constants.S_IFIFO | 0o600);
    const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;
    withFd(this.native.openat2(place.fd, name, flags, 0, 0), (fd) => {
      fchmodSync(fd, mode);
      this.native.setTimes(fd, mtimeNs, mtimeNs);
    });
  }

  /** A second name for what this layer has. */
  link(names: readonly Buffer[], target: Buffer): void {
    const to = namesOf(target);
    const last = to.at(-1);
    const from = last === undefined ? undefined : this.#open(to.slice(0, -1), false);
    try {
      const stat = from === undefined || last === undefined ? undefined : lstatAt(from.fd, last);
      if (
        from === undefined ||
        last === undefined ||
        stat === undefined ||
        stat.isCharacterDevice()
      ) {
        throw invalidImage(`it has a hard link to what its layer does not have: ${shown(target)}`);
      }
      if (stat.isDirectory())
        throw invalidImage(`it has a hard link to a directory: ${shown(target)}`);
      const place = this.parentOf(names);
      const name = names.at(-1);
      if (name === undefined) throw invalidImage('it has a hard link in place of its root');
      const before = lstatAt(place.fd, name);
      if (before !== undefined && before.ino === stat.ino && before.dev === stat.dev) return;
      this.#clear(place, name);
      if (lstatAt(from.fd, last) === undefined) {
        throw invalidImage(
          `it has a hard link in place of what holds its target: ${shown(target)}`,
        );
      }
      linkSync(at(from.fd, last), at(place.fd, name));
    } finally {
      if (from !== undefined && from.fd !== this.#root) closeDescriptor(from.fd);
    }
  }

  /** Hides what the layers below have there; what this layer has there stays. */
  whiteout(names: readonly Buffer[]): void {
    const name = names.at(-1);
    if (name === undefined) throw invalidImage('it has a whiteout of its root');
    const place = this.parentOf(names);
    const stat = lstatAt(place.fd, name);
    if (stat === undefined) this.native.makeNode(place.fd, name, WHITEOUT);
    else if (stat.isDirectory()) {
      withFd(openDirectory(this.native, place.fd, name), (fd) =>
        this.native.fsetxattr(fd, opaqueName, yes),
      );
    }
  }

  /** @param names of the directory that hides what is below it */
  opaque(names: readonly Buffer[]): void {
    if (names.length === 0) {
      this.opaqueRoot = true;
      return;
    }
    const { fd } = this.parentOf([...names, Buffer.from('x')]);
    withFd(this.native.openat2(fd, '.', constants.O_DIRECTORY, 0, 0), (readable) =>
      this.native.fsetxattr(readable, opaqueName, yes),
    );
  }

  #free(names: readonly Buffer[]): [Place, Buffer] {
    const name = names.at(-1);
    if (name === undefined) throw invalidImage('it has a file in place of its root');
    const place = this.parentOf(names);
    this.#clear(place, name);
    return [place, name];
  }

  /** Gives directories their modes and times: the deepest first, as those may close the way to others. */
  finish(): void {
    this.#forget();
    const deepest = [...this.#finish.values()].sort((a, b) => b.names.length - a.names.length);
    for (const { names, mode, mtimeNs } of deepest) {
      withFd(this.#reopen(names), (fd) => {
        fchmodSync(fd, mode & 0o3777);
        if (mtimeNs !== undefined) this.native.setTimes(fd, mtimeNs, mtimeNs);
      });
    }
  }

  #reopen(names: readonly Buffer[]): number {
    let fd = this.native.openat2(this.#root, '.', constants.O_DIRECTORY, 0, 0);
    for (const name of names) fd = withFd(fd, (parent) => openDirectory(this.native, parent, name));
    return fd;
  }
}
