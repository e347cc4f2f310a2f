/** Images into the store: from a file or a registry, if they are not there yet. */
import { existsSync } from 'node:fs';
import type { Store } from '../changes/index.js';
import { ImageError } from '../errors/index.js';
import { realHost } from '../host/index.js';
import {
  hostPlatform,
  type ImageReference,
  type LocalReference,
  type Platform,
  parsePlatform,
  parseReference,
  platformText,
  readStoredImage,
  type StoredImage,
  sourceStamp,
  storeVersion,
} from '../image/index.js';
import { Budget, defaultLimits, type ImageLimits } from './limits.js';
import { type RegistryOptions, registryImage } from './registry/image.js';
import { archiveFiles, directoryFiles, type ImageFiles } from './source/files.js';
import { dockerImage, layoutImage } from './source/local.js';
import type { SourceImage } from './source/source.js';
import { type AddedLayer, addLayer, type OnLayer } from './store/add-layer.js';
import {
  type ImageStore,
  locked,
  openImageStore,
  pathIn,
  recordsLock,
  storeError,
} from './store/directory.js';
import { writeImageRecord } from './store/records.js';

export interface EnsureOptions {
  /** Where images are stored. */
  readonly store: Store;
  /** `linux/arm64`. @default this machine's */
  readonly platform?: string | undefined;
  /** Another name that the image gets in the store. */
  readonly name?: string | undefined;
  /** Directory that relative paths start from. @default the current one */
  readonly cwd?: string | undefined;
  /** `always`: also what the store has is looked up again. @default 'missing' */
  readonly pull?: 'missing' | 'always' | undefined;
  /** Mirrors, hosts without TLS, patience. */
  readonly registry?: RegistryOptions | undefined;
  readonly limits?: Partial<ImageLimits> | undefined;
  readonly onProgress?: OnLayer | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The image, pulled or imported if the store does not have it.
 *
 * @throws ImageError, UsageError
 */
export async function ensureImage(ref: string, options: EnsureOptions): Promise<StoredImage> {
  const host = realHost({ cwd: options.cwd });
  const { directory } = options.store;
  const read = (): StoredImage | undefined =>
    readStoredImage(host, directory, options.name ?? ref, options.platform);
  const stored = options.pull === 'always' ? undefined : read();
  if (stored !== undefined) return stored;
  const reference = parseReference(ref, host.cwd() ?? '/');
  const platform =
    options.platform === undefined ? hostPlatform() : parsePlatform(options.platform);
  const images = openImageStore(options.store);
  // Layers that another process removes before the record names them are unpacked again.
  for (let attempt = 1; ; attempt++) {
    try {
      await storeImage(images, reference, platform, options);
    } catch (error) {
      throw storeError(images.directory, error);
    }
    const found = read();
    if (found !== undefined) return found;
    if (attempt === 3) {
      throw new ImageError('ERR_IMAGE_STORE', 'The image was removed while it was stored.');
    }
  }
}

async function storeImage(
  images: ImageStore,
  reference: ImageReference,
  platform: Platform,
  options: EnsureOptions,
): Promise<void> {
  const limits = { ...defaultLimits, ...options.limits };
  const named = options.name === undefined ? undefined : parseReference(options.name, '/');
  const { image, close } = await findImage(images, reference, platform, limits, options);
  try {
    const budget = new Budget(limits);
    let below: AddedLayer[] = [];
    for (const layer of image.layers) {
      const keys = below.map(({ key }) => key);
      const added = await addLayer(images, layer, keys, budget, options.onProgress, options.signal);
      below = added.opaqueRoot ? [added] : [added, ...below];
    }
    const layers = below.map(({ key }) => key);
    await locked(images, recordsLock, () => {
      if (layers.some((key) => !existsSync(pathIn(images, 'layers', key)))) return;
      const record = {
        version: storeVersion,
        id: image.id,
        reference: (named ?? reference).text,
        platform: platformText(platform),
        manifest: image.manifest,
        layers,
        bytes: budget.bytes,
        stored: new Date().toISOString(),
        stamp: image.stamp,
        image: image.image,
      };
      writeImageRecord(images, record, platform);
    });
  } finally {
    close();
  }
}

interface Found {
  readonly image: SourceImage;
  readonly close: () => void;
}

async function findImage(
  images: ImageStore,
  reference: ImageReference,
  platform: Platform,
  limits: ImageLimits,
  options: EnsureOptions,
): Promise<Found> {
  if (reference.kind === 'id') {
    throw new ImageError('ERR_IMAGE_NOT_FOUND', `The store has no image ${reference.text}.`);
  }
  if (reference.kind === 'registry') {
    const { registry = {}, onProgress, signal } = options;
    const image = await registryImage(
      images,
      reference,
      platform,
      limits,
      registry,
      ({ digest, size }, stage) => onProgress?.({ stage, diffId: digest, size }),
      signal,
    );
    return { image, close: () => undefined };
  }
  return localImage(images, reference, platform, limits);
}

async function localImage(
  { store }: ImageStore,
  reference: LocalReference,
  platform: Platform,
  limits: ImageLimits,
): Promise<Found> {
  const { kind, path } = reference;
  // Before it is read: what changes meanwhile is noticed the next time.
  const stamp = sourceStamp(realHost().files, reference);
  const files: ImageFiles =
    kind === 'oci' ? directoryFiles(store.native, path) : await archiveFiles(path);
  try {
    const image =
      kind === 'docker-archive'
        ? dockerImage(files, reference, platform, limits)
        : await layoutImage(files, reference, platform, limits);
    return { image: { ...image, stamp }, close: () => files.close() };
  } catch (error) {
    files.close();
    throw error;
  }
}
