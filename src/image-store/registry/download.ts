/** Blobs of a registry into files of the store: resumed where a download was interrupted, and verified. */
import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  createReadStream,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { ImageError } from '../../errors/index.js';
import { invalidImage } from '../../image/index.js';
import type { Descriptor } from '../source/manifest.js';
import { wrongDigest } from '../source/source.js';
import { type ImageStore, pathIn, removeFile } from '../store/directory.js';
import type { RegistryClient } from './client.js';

/** Times that a download is resumed which made some progress. */
const resumes = 5;

export const partialPath = (images: ImageStore, { digest }: Descriptor): string =>
  pathIn(images, 'partial', digest.slice('sha256:'.length));

export type OnPassedOver = (server: RegistryClient['endpoint'], error: unknown) => void;

export interface DownloadEvents {
  readonly onDownload: (stage: 'download' | 'resume') => void;
  /** A server that failed; the next one is asked. */
  readonly onPassedOver: OnPassedOver;
}

/**
 * Downloads a blob, or what is missing of it, and verifies it.
 * @throws ImageError; what has arrived stays there, unless it is wrong
 */
export async function download(
  images: ImageStore,
  clients: readonly RegistryClient[],
  blob: Descriptor,
  on: DownloadEvents,
): Promise<void> {
  const path = partialPath(images, blob);
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
  const fd = openSync(path, flags, 0o600);
  try {
    await fill(fd, clients, blob, on);
  } catch (error) {
    // Nothing of it is worth going on with.
    if (fstatSync(fd).size === 0) removeFile(path);
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** Returns whether another server does not make it better: the disk is full, the user wants no more. */
const isFinal = (error: unknown): boolean => {
  const { code } = error as { readonly code?: unknown };
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'ABORT_ERR';
};

/** Reads from the servers in turn, until the file has the blob's bytes. */
async function fill(
  fd: number,
  clients: readonly RegistryClient[],
  blob: Descriptor,
  { onDownload, onPassedOver }: DownloadEvents,
): Promise<void> {
  let at = 0;
  /** True if all that is there came from the server that is asked now. */
  let isOwn = false;
  for (let left = resumes; ; ) {
    const before = fstatSync(fd).size;
    if (before > blob.size) ftruncateSync(fd, 0);
    const client = clients[at];
    if (client === undefined) throw invalidImage('no registry has its layers');
    try {
      if (before < blob.size) {
        onDownload(before > 0 ? 'resume' : 'download');
        isOwn = await append(fd, client, blob, isOwn);
      }
      if (fstatSync(fd).size === blob.size && isRight(fd, blob, isOwn || blob.size === 0)) return;
    } catch (error) {
      if (isFinal(error)) throw error;
      const progress = fstatSync(fd).size > before;
      if (progress && left > 0) left -= 1;
      else if (at + 1 < clients.length) {
        onPassedOver(client.endpoint, error);
        at += 1;
        isOwn = false;
      } else throw interrupted(error, client);
    }
  }
}

/**
 * Verifies what is there. Wrong bytes that came from several servers, or were there before, are dropped: one server is
 * asked for all of them.
 * @throws ImageError where one server sent them all
 */
function isRight(fd: number, blob: Descriptor, isOwn: boolean): boolean {
  const found = digestOf(fd);
  if (found === blob.digest) return true;
  ftruncateSync(fd, 0);
  if (isOwn) throw wrongDigest('a layer', blob.digest, found);
  return false;
}

const interrupted = (error: unknown, { endpoint }: RegistryClient): unknown =>
  error instanceof ImageError
    ? error
    : new ImageError('ERR_REGISTRY', `The download from ${endpoint.host} was interrupted.`, {
        cause: error,
        hint: 'Try again; what was downloaded is kept.',
      });

/**
 * @param isOwn whether what is there came from this server
 * @returns whether all of it does now
 */
async function append(
  fd: number,
  client: RegistryClient,
  { digest, size }: Descriptor,
  isOwn: boolean,
): Promise<boolean> {
  let position = fstatSync(fd).size;
  const answer = await client.get(
    `blobs/${digest}`,
    position === 0 ? {} : { range: `bytes=${position}-` },
  );
  if (position > 0 && !continues(answer.headers['content-range'], answer.status, position)) {
    position = 0;
    ftruncateSync(fd, 0);
    if (answer.status === 416) {
      answer.body.destroy();
      return true; // from its beginning
    }
  }
  const own = position === 0 || isOwn;
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    if (position + chunk.length > size) {
      answer.body.destroy();
      ftruncateSync(fd, 0);
      throw invalidImage(`a layer has more than its ${size} bytes`);
    }
    for (let done = 0; done < chunk.length; ) {
      done += writeSync(fd, chunk, done, chunk.length - done, position + done);
    }
    position += chunk.length;
  }
  if (position < size) {
    throw new ImageError('ERR_REGISTRY', `${client.endpoint.host} ended the download too early.`, {
      hint: 'Try again; what was downloaded is kept.',
    });
  }
  return own;
}

function continues(range: string | undefined, status: number, position: number): boolean {
  return status === 206 && new RegExp(`^bytes ${position}-\\d+/`).test(range ?? '');
}

function digestOf(fd: number): string {
  const hash = createHash('sha256');
  const buffer = Buffer.alloc(1 << 20);
  for (let position = 0; ; ) {
    const count = readSync(fd, buffer, 0, buffer.length, position);
    if (count === 0) return `sha256:${hash.digest('hex')}`;
    hash.update(buffer.subarray(0, count));
    position += count;
  }
}

export const readPartial = (images: ImageStore, blob: Descriptor): AsyncIterable<Buffer> =>
  createReadStream(partialPath(images, blob), { highWaterMark: 1 << 18 });
