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

/** For file systems that do not say: the type by lstat(2), whose modes are d_type shifted by 12 bits. */
function typeOf(directory: PathLike, name: ArrayBuffer): number {
  const top = typeof directory === 'string' ? EngineBuffer.from(directory) : directory;
  const path = EngineBuffer.concat([top, EngineBuffer.from('/'), new EngineBuffer(name)]);
  const got = machine.files.lstat(path);
  return typeof got === 'number' ? 0 : (Number(got[0]) >> 12) & 15;
}

/** @param listed as Files.readDirectory has them */
export function entriesOf(
  directory: PathLike,
  listed: readonly (ArrayBuffer | number)[],
  text: (name: ArrayBuffer) => string | EngineBuffer,
): Dirent[] {
  const entries: Dirent[] = [];
  for (let at = 0; at < listed.length; at += 2) {
    const name = listed[at] as ArrayBuffer;
    entries.push(new Dirent(text(name), (listed[at + 1] as number) || typeOf(directory, name)));
  }
  return entries;
}
