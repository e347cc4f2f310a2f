/** Files of a local image, read where they are: below a directory, or as members of an archive. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { extract } from 'tar-stream';
import { ImageError } from '../../errors/index.js';
import { invalidImage } from '../../image/index.js';
import { closeDescriptor } from '../../native/index.js';
import type { StoreNative } from '../native.js';
import { drained } from '../tar/entries.js';

/** The files of an image by their names, for instance `blobs/sha256/0a…`. */
export interface ImageFiles {
  /** @returns undefined where there is no such file; at most `limit` bytes, else an error */
  read(name: string, limit: number): Buffer | undefined;
  stream(name: string): AsyncIterable<Buffer>;
  close(): void;
}

const CHUNK = 1 << 18;
const RESOLVE_BENEATH_NO_LINKS = 0x08 | 0x04 | 0x02;

const missing = (name: string): ImageError =>
  invalidImage(`it has no file ${JSON.stringify(name)}`);

const tooLong = (name: string, size: number): ImageError =>
  new ImageError('ERR_IMAGE_LIMIT', `the image has a ${name} of ${size} bytes.`);

export function unreadable(path: string, error: unknown): ImageError {
  const { code = 'unknown error' } = error as { readonly code?: string };
  return code === 'ENOENT'
    ? new ImageError('ERR_IMAGE_NOT_FOUND', `There is no image at ${path}.`, { cause: error })
    : new ImageError('ERR_IMAGE', `cannot read ${path}: ${code}`, { cause: error });
}

function readAt(fd: number, begin: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let done = 0; done < size; ) {
    const count = readSync(fd, bytes, done, size - done, begin + done);
    if (count === 0) return bytes.subarray(0, done);
    done += count;
  }
  return bytes;
}

async function* streamAt(fd: number, begin: number, size: number): AsyncGenerator<Buffer> {
  for (let done = 0; done < size; ) {
    const bytes = readAt(fd, begin + done, Math.min(CHUNK, size - done));
    if (bytes.length === 0) return;
    done += bytes.length;
    yield bytes;
  }
}

/** A directory in which symbolic links lead nowhere else. */
export function directoryFiles(native: StoreNative, path: string): ImageFiles {
  let root: number;
  try {
    root = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    throw unreadable(path, error);
  }
  const open = (name: string): number | undefined => {
    try {
      const flags = constants.O_RDONLY | constants.O_NONBLOCK;
      const fd = native.openat2(root, name, flags, 0, RESOLVE_BENEATH_NO_LINKS);
      if (fstatSync(fd).isFile()) return fd;
      closeDescriptor(fd);
      throw missing(name);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      if (error instanceof ImageError) throw error;
      throw unreadable(`${path}/${name}`, error);
    }
  };
  return {
    read(name, limit) {
      const fd = open(name);
      if (fd === undefined) return undefined;
      try {
        const { size } = fstatSync(fd);
        if (size > limit) throw tooLong(name, size);
        return readAt(fd, 0, size);
      } finally {
        closeDescriptor(fd);
      }
    },
    async *stream(name) {
      const fd = open(name);
      if (fd === undefined) throw missing(name);
      try {
        yield* streamAt(fd, 0, fstatSync(fd).size);
      } finally {
        closeDescriptor(fd);
      }
    },
    close: () => closeSync(root),
  };
}

interface Member {
  readonly begin: number;
  readonly size: number;
  /** A link's target, as old versions of `docker save` have for layers that are the same. */
  readonly link: string | undefined;
}

/** Files in an image archive; a large image has some hundred. */
const membersLimit = 10_000;

/** Returns the name without `./`; a symbolic link from where it is. */
function memberName(name: string, from = ''): string {
  const names: string[] = [];
  for (const part of `${from}${name}`.split('/')) {
    if (part === '..') names.pop();
    else if (part !== '' && part !== '.') names.push(part);
  }
  return names.join('/');
}

/** Compressions that an archive may have as a whole, by its first bytes; the command decompresses it, too. */
const compressions = [
  { magic: '1f8b', by: 'gzip' },
  { magic: '28b52ffd', by: 'zstd' },
  { magic: 'fd377a58', by: 'xz' },
  { magic: '425a68', by: 'bzip2' },
] as const;

const compressionOf = (first: Buffer) =>
  compressions.find(({ magic }) => first.toString('hex').startsWith(magic));

async function membersOf(fd: number, size: number): Promise<Map<string, Member>> {
  const members = new Map<string, Member>();
  const archive = extract();
  archive.on('entry', (header, stream, next) => {
    const { byteOffset } = header as unknown as { readonly byteOffset: number };
    const { type, linkname } = header;
    if (members.size >= membersLimit) {
      next(new ImageError('ERR_IMAGE_LIMIT', `the archive has more than ${membersLimit} files.`));
      return;
    }
    const name = memberName(header.name);
    const from = name.slice(0, name.lastIndexOf('/') + 1);
    const link =
      type === 'symlink'
        ? memberName(linkname ?? '', from)
        : type === 'link'
          ? memberName(linkname ?? '')
          : undefined;
    if (type === 'file' || link !== undefined) {
      members.set(name, { begin: byteOffset, size: header.size ?? 0, link });
    }
    stream.on('end', next);
    stream.resume();
  });
  const ended = new Promise<void>((resolve, reject) => {
    archive.on('finish', resolve);
    archive.on('error', reject);
  });
  ended.catch(() => undefined);
  for await (const chunk of streamAt(fd, 0, size)) {
    if (archive.destroyed) break;
    if (!archive.write(chunk)) await drained(archive);
  }
  archive.end(undefined);
  await ended.catch((cause: unknown) => {
    if (cause instanceof ImageError) throw cause;
    const by = compressionOf(readAt(fd, 0, Math.min(size, 4)))?.by;
    throw by === undefined
      ? invalidImage('the file is not a tar archive, or is truncated', { cause })
      : invalidImage(`the file is compressed with ${by}`, {
          cause,
          hint: `Decompress it first: ${by} -dc FILE > image.tar`,
        });
  });
  return members;
}

/** An archive that is not compressed; read once to find its members. */
export async function archiveFiles(path: string): Promise<ImageFiles> {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw unreadable(path, error);
  }
  let members: Map<string, Member>;
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw unreadable(path, Object.assign(new Error(), { code: 'not a file' }));
    members = await membersOf(fd, stat.size);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  const find = (name: string): Member | undefined => {
    let member = members.get(memberName(name));
    for (let links = 0; member?.link !== undefined; links++) {
      if (links > 8) throw invalidImage('the archive has links that lead in a circle');
      member = members.get(member.link);
    }
    return member;
  };
  return {
    read(name, limit) {
      const member = find(name);
      if (member === undefined) return undefined;
      if (member.size > limit) throw tooLong(name, member.size);
      return readAt(fd, member.begin, member.size);
    },
    stream(name) {
      const member = find(name);
      if (member === undefined) throw missing(name);
      return streamAt(fd, member.begin, member.size);
    },
    close: () => closeSync(fd),
  };
}
