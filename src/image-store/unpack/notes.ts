/** Notes what of a layer is otherwise than its archive says, to be told: owners, set-id bits, devices, attributes. */
import { writeSync } from 'node:fs';
import { gitPath } from '../../text/index.js';
import type { TarEntry } from '../tar/entries.js';

/** How many paths are kept of each kind; all are counted. */
const kept = 50;

export interface Noted {
  readonly count: number;
  /** The first of them, quoted as git does it. */
  readonly paths: readonly string[];
}

class Tally {
  count = 0;
  readonly paths: string[] = [];

  add(path: Buffer): void {
    this.count += 1;
    if (this.paths.length < kept) this.paths.push(gitPath(path));
  }
}

export interface NotesJson {
  /** Files that belonged to another user or group than root. */
  readonly owned: number;
  /** Set-user-ID and set-group-ID bits that were dropped. */
  readonly setId: Noted;
  /** Devices, and entries of unknown types. */
  readonly leftOut: Noted;
  /** Files whose capabilities or other attributes were dropped. */
  readonly attributes: Noted;
}

const flushAt = 1 << 16;
const slash = Buffer.from('/');

export class LayerNotes {
  readonly #owners: number;
  readonly #pending: Buffer[] = [];
  #pendingBytes = 0;
  #owned = 0;
  readonly #setId = new Tally();
  readonly #leftOut = new Tally();
  readonly #attributes = new Tally();

  /** @param owners descriptor of a file: `UID GID PATH` and a NUL for each entry that is not root's */
  constructor(owners: number) {
    this.#owners = owners;
  }

  entry(names: readonly Buffer[], entry: TarEntry): void {
    this.owner(names, entry);
    if (entry.type !== 'directory' && (entry.mode & 0o6000) !== 0) this.#setId.add(pathOf(names));
    for (const name of entry.xattrs.keys()) {
      if (/^user\.(?!overlay\.)/.test(name)) continue;
      this.#attributes.add(pathOf(names));
      return;
    }
  }

  owner(names: readonly Buffer[], { uid, gid }: TarEntry): void {
    if (uid === 0 && gid === 0) return;
    this.#owned += 1;
    const line = Buffer.concat([Buffer.from(`${uid} ${gid} `), pathOf(names), Buffer.of(0)]);
    this.#pending.push(line);
    this.#pendingBytes += line.length;
    if (this.#pendingBytes >= flushAt) this.#flush();
  }

  leftOut(names: readonly Buffer[], _type: string): void {
    this.#leftOut.add(pathOf(names));
  }

  #flush(): void {
    const bytes = Buffer.concat(this.#pending.splice(0));
    this.#pendingBytes = 0;
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#owners, bytes, done);
  }

  finish(): void {
    this.#flush();
  }

  get json(): NotesJson {
    const noted = ({ count, paths }: Tally): Noted => ({ count, paths });
    return {
      owned: this.#owned,
      setId: noted(this.#setId),
      leftOut: noted(this.#leftOut),
      attributes: noted(this.#attributes),
    };
  }
}

const pathOf = (names: readonly Buffer[]): Buffer =>
  Buffer.concat(names.flatMap((name, i) => (i === 0 ? [name] : [slash, name])));
