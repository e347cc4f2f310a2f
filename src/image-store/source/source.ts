/** Declares what an image comes from, whether a file or a registry: manifests, a configuration, layers. */
import { createHash } from 'node:crypto';
import type { ImageError } from '../../errors/index.js';
import { invalidImage, type JsonObject, type Platform } from '../../image/index.js';

export interface SourceLayer {
  /**
   * The digest of the blob as it is there, compressed or not: `sha256:…`; undefined where only the diff ID is known.
   */
  readonly digest: string | undefined;
  /** The digest of the archive that is in it: `sha256:…`. */
  readonly diffId: string;
  /** Bytes of the blob, as far as it is known. */
  readonly size: number | undefined;
  /** The blob from its beginning; the reader verifies it. */
  open(): AsyncIterable<Buffer>;
  /** Discards what is no longer needed when the layer has been unpacked. */
  discard?(): void;
}

export interface SourceImage {
  /** Digest of the configuration. */
  readonly id: string;
  readonly image: JsonObject;
  /** `sha256:…` of the manifest; undefined where there is none, as in a docker-archive. */
  readonly manifest: string | undefined;
  /** Lowest first. */
  readonly layers: readonly SourceLayer[];
  /** The stamp that tells that a local source has changed since. */
  readonly stamp: string | undefined;
}

export interface Source {
  find(platform: Platform): Promise<SourceImage>;
}

export const sha256Of = (bytes: Uint8Array): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

export const wrongDigest = (what: string, wanted: string, found: string): ImageError =>
  invalidImage(`${what} should have the digest ${wanted}, but has ${found}`);

/** Passes bytes on; at the end their digest must be right. */
export async function* verified(
  source: AsyncIterable<Buffer>,
  what: string,
  digest: string,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  for await (const chunk of source) {
    hash.update(chunk);
    yield chunk;
  }
  const found = `sha256:${hash.digest('hex')}`;
  if (found !== digest) throw wrongDigest(what, digest, found);
}
