/** Limits what an image may cost, so that a hostile one ends with an error instead of a full disk. */
import { ImageError } from '../errors/index.js';

export interface ImageLimits {
  /** Bytes of files, all layers together; also what one sparse file may claim to be. */
  readonly bytes: number;
  /** Files, directories and links, all layers together. */
  readonly entries: number;
  /** How many times as large as its compressed form a layer may be. */
  readonly ratio: number;
  /** Bytes of a layer from which the ratio counts: small layers of zeros are common, and harmless. */
  readonly ratioFrom: number;
  /** Bytes of a manifest, an index or a configuration. */
  readonly manifestBytes: number;
  /** Manifests to read until one image is found. */
  readonly manifests: number;
  readonly layers: number;
}

export const defaultLimits: ImageLimits = {
  bytes: 32 * 2 ** 30,
  entries: 2_000_000,
  ratio: 200,
  ratioFrom: 256 << 20,
  manifestBytes: 4 << 20,
  manifests: 16,
  // overlayfs takes 500, but the text of its options has to fit in a page.
  layers: 120,
};

export const beyondLimit = (problem: string, option?: string): ImageError =>
  new ImageError('ERR_IMAGE_LIMIT', `the image ${problem}.`, {
    hint: option === undefined ? undefined : `If you trust it, allow more with ${option}.`,
  });

/** Counts what an image has cost so far; throws where that is too much. */
export class Budget {
  readonly limits: ImageLimits;
  #bytes = 0;
  #entries = 0;

  constructor(limits: ImageLimits) {
    this.limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get entries(): number {
    return this.#entries;
  }

  addBytes(count: number): void {
    this.#bytes += count;
    if (this.#bytes > this.limits.bytes) {
      throw beyondLimit(`has more than ${this.limits.bytes} bytes of files`, '--max-size');
    }
  }

  addEntries(count: number): void {
    this.#entries += count;
    if (this.#entries > this.limits.entries) {
      throw beyondLimit(`has more than ${this.limits.entries} files`, '--max-files');
    }
  }

  checkRatio(packed: number, unpacked: number): void {
    const { ratio, ratioFrom } = this.limits;
    if (unpacked > ratioFrom && unpacked > packed * ratio) {
      throw beyondLimit(`has a layer that is more than ${ratio} times its packed size`);
    }
  }
}
