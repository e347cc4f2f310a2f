/**
 * Wheels of the host, from which a new virtual environment has its pip: zip files, read whole. They belong to the
 * user's Python, outside of what a run can change.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { errnoOf } from '../files/fdtree.js';

/** APPNOTE.TXT of PKWARE, 4.3.12 and 4.3.16. */
const endSignature = Buffer.from('PK\x05\x06', 'latin1');
const entrySignature = Buffer.from('PK\x01\x02', 'latin1');
const stored = 0;
const deflated = 8;

interface Member {
  readonly method: number;
  readonly at: number;
  readonly packed: number;
  readonly size: number;
}

/** The directories that a file is in. */
function directoriesOf(name: string): string[] {
  const found: string[] = [];
  for (let end = name.lastIndexOf('/'); end > 0; end = name.lastIndexOf('/', end - 1)) {
    found.push(name.slice(0, end));
  }
  return found;
}

export class Wheel {
  readonly #bytes: Buffer;
  /** Members by their names, one character per byte. */
  readonly #members = new Map<string, Member>();
  #directories: ReadonlySet<string> | undefined;

  /** @throws RangeError if it is no zip file */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    const end = bytes.lastIndexOf(endSignature);
    if (end < 0) throw new RangeError('no wheel');
    let at = bytes.readUInt32LE(end + 16);
    for (let left = bytes.readUInt16LE(end + 10); left > 0; left--) {
      if (!bytes.subarray(at, at + 4).equals(entrySignature)) throw new RangeError('no wheel');
      const lengths = [28, 30, 32].map((offset) => bytes.readUInt16LE(at + offset));
      const [name = 0, extra = 0, comment = 0] = lengths;
      this.#members.set(bytes.toString('latin1', at + 46, at + 46 + name), {
        method: bytes.readUInt16LE(at + 10),
        packed: bytes.readUInt32LE(at + 20),
        size: bytes.readUInt32LE(at + 24),
        at: bytes.readUInt32LE(at + 42),
      });
      at += 46 + name + extra + comment;
    }
  }

  /** Returns whether it has files below a directory. */
  hasDirectory(name: string): boolean {
    this.#directories ??= new Set([...this.#members.keys()].flatMap(directoriesOf));
    return this.#directories.has(name);
  }

  /** The size of a file; undefined if there is none. */
  sizeOf(name: string): number | undefined {
    return this.#members.get(name)?.size;
  }

  /** Returns the content of a file; undefined if there is none. */
  read(name: string): Buffer | undefined {
    const member = this.#members.get(name);
    if (member === undefined) return undefined;
    const { at, packed, size, method } = member;
    const own = this.#bytes.readUInt16LE(at + 26) + this.#bytes.readUInt16LE(at + 28);
    const data = this.#bytes.subarray(at + 30 + own, at + 30 + own + packed);
    if (method === stored) return data;
    if (method !== deflated || size === 0) return size === 0 ? Buffer.alloc(0) : undefined;
    return process.getBuiltinModule('node:zlib').inflateRawSync(data, { maxOutputLength: size });
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory, 'latin1');
  } catch (error) {
    errnoOf(error); // there is none, or it is closed to this user
    return [];
  }
}

/** The wheel of a package in one of these directories, by the name of its metadata: `pip-25.1.1`. */
export function wheelOf(directories: readonly string[], named: string): Wheel | undefined {
  for (const directory of directories) {
    const file = namesIn(directory).find(
      (name) => name.startsWith(`${named}-`) && name.endsWith('-none-any.whl'),
    );
    if (file === undefined) continue;
    try {
      return new Wheel(readFileSync(Buffer.from(posix.join(directory, file), 'latin1')));
    } catch (error) {
      // Truncated, or gone meanwhile.
      if (!(error instanceof RangeError)) errnoOf(error);
    }
  }
  return undefined;
}
