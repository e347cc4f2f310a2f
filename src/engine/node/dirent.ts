/** Entries of a directory with their types, as Node's Dirent. */
import { EngineBuffer } from '../buffer.js';
import { machine, type PathLike } from '../machine.js';

/** d_type of readdir(3). */
const types = { fifo: 1, character: 2, directory: 4, block: 6, file: 8, link: 10, socket: 12 };

export class Dirent {
  readonly name: string | EngineBuffer;
  readonly #type: number;

  constructor(name: string | EngineBuffer, type: number) {
    this.name = name;
    this.#type = type;
  }
  isFile(): boolean {
    return this.#type === types.file;
  }
  isDirectory(): boolean {
    return this.#type === types.directory;
  }
  isSymbolicLink(): boolean {
    return this.#type === types.link;
  }
  isFIFO(): boolean {
    return this.#type === types.fifo;
  }
  isSocket(): boolean {
    return this.#type === types.socket;
  }
  isCharacterDevice(): boolean {
    return this.#type === types.character;
  }
  isBlockDevice(): boolean {
    return this.#type === types.block;
  }
}

/** Returns, for file systems that do not say, the type by lstat(2), whose modes are d_type shifted by 12 bits. */
function typeOf(directory: PathLike, name: Uint8Array): number {
  const top = typeof directory === 'string' ? EngineBuffer.from(directory) : directory;
  const path = EngineBuffer.concat([top, EngineBuffer.from('/'), name]);
  const got = machine.files.lstat(path);
  return typeof got === 'number' ? 0 : (Number(got[0]) >> 12) & 15;
}

/** @param encoding of a name that is text */
export function direntOf(
  directory: PathLike,
  name: string | EngineBuffer,
  type: number,
  encoding: number,
): Dirent {
  if (type !== 0) return new Dirent(name, type);
  const bytes = typeof name === 'string' ? new Uint8Array(machine.toBytes(name, encoding)) : name;
  return new Dirent(name, typeOf(directory, bytes));
}
