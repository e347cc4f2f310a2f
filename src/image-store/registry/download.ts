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

export type OnDownload = (stage: 'download' | 'resume') => void;

/**
 * Downloads a blob, or what is missing of it, and verifies it.
 * @throws ImageError; what has arrived stays there, unless it is wrong
 */
export async function download(
  images: ImageStore,
  clients: readonly RegistryClient[],
  blob: Descriptor,
  onDownload: OnDownload,
): Promise<void> {
  const path = partialPath(images, blob);
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
  const fd = openSync(path, flags, 0o600);
  try {
    await fill(fd, clients, blob, onDownload);
    const found = digestOf(fd);
    if (found !== blob.digest) {
      removeFile(path);
      throw wrongDigest('a layer', blob.digest, found);
    }
  } finally {
    closeSync(fd);
  }
}

async function fill(
  fd: number,
  clients: readonly RegistryClient[],
  blob: Descriptor,
  onDownload: OnDownload,
): Promise<void> {
  let at = 0;
  for (let left = resumes; ; ) {
    const before = fstatSync(fd).size;
    if (before > blob.size) ftruncateSync(fd, 0);
    else if (before === blob.size) return;
    const client = clients[at];
    if (client === undefined) throw invalidImage('no registry has its layers');
    try {
      onDownload(before > 0 ? 'resume' : 'download');
      await append(fd, client, blob);
    } catch (error) {
      const progress = fstatSync(fd).size > before;
      const { code } = error as { readonly code?: unknown };
      if (code === 'ERR_IMAGE' || code === 'ENOSPC' || code === 'EDQUOT' || code === 'ABORT_ERR')
        throw error;
      if (progress && left > 0) left -= 1;
      else if (at + 1 < clients.length) at += 1;
      else throw interrupted(error, client);
    }
  }
}

const interrupted = (error: unknown, { endpoint }: RegistryClient): unknown =>
  error instanceof ImageError
    ? error
    : new ImageError('ERR_REGISTRY', `The download from ${endpoint.host} was interrupted.`, {
        cause: error,
        hint: 'Try again; what was downloaded is kept.',
      });

async function append(
  fd: number,
  client: RegistryClient,
  { digest, size }: Descriptor,
): Promise<void> {
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
      return; // from its beginning
    }
  }
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
