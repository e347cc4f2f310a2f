/** Images into the store: from a file or a registry, if they are not there yet. */
import { existsSync } from 'node:fs';
import type { Store } from '../changes/index.js';
import { ImageError, UsageError } from '../errors/index.js';
import { type Host, realHost } from '../host/index.js';
import {
  aboutImage,
  hostPlatform,
  type ImageReference,
  type LocalReference,
  namedReferences,
  type Platform,
  parsePlatform,
  parseReference,
  platformText,
  readRegistries,
  readStoredImage,
  type StoredImage,
  sourceStamp,
  storeVersion,
} from '../image/index.js';
import { Budget, defaultLimits, type ImageLimits } from './limits.js';
import { refuseRejected } from './policy.js';
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
  const host = askedHost(options);
  const { directory } = options.store;
  const read = (name: string): StoredImage | undefined =>
    readStoredImage(host, directory, name, options.platform);
  // Checked before anything is made.
  const platform = platformOf(options);
  if (options.name !== undefined) requireName(options.name);
  const stored = options.pull === 'always' ? undefined : read(options.name ?? ref);
  if (stored !== undefined) return stored;
  const named = namedReferences(parseReference(ref, host.cwd() ?? '/'), host, 'fetched');
  const images = openImageStore(options.store);
  for (const [i, { reference, file }] of named.entries()) {
    try {
      return await storedImage(images, reference, platform, host, options, read);
    } catch (error) {
      // Another registry may have the image of a short name.
      if (i + 1 === named.length || !isOfServer(error))
        throw wherefrom(error, ref, reference, file);
    }
  }
  throw new ImageError('ERR_IMAGE_NOT_FOUND', `No registry has ${ref}.`);
}

const platformOf = ({ platform }: EnsureOptions): Platform =>
  platform === undefined ? hostPlatform() : parsePlatform(platform);

/** @throws UsageError if an image could not be found by that name later */
function requireName(name: string): void {
  if (parseReference(name, '/').kind === 'registry') return;
  throw new UsageError('ERR_OPTION_VALUE', `invalid name "${name}"`, {
    hint: 'Use a name like that of an image in a registry: app:1.2, registry.example.com/app:1.2',
  });
}

/** The machine, with the environment that registries are asked with. */
function askedHost({ cwd, registry }: EnsureOptions): Host {
  const host = realHost({ cwd });
  const env = registry?.env;
  return env === undefined ? host : Object.create(host, { env: { value: env } });
}

const isOfServer = (error: unknown): boolean =>
  error instanceof ImageError &&
  (error.code === 'ERR_REGISTRY' || error.code === 'ERR_IMAGE_NOT_FOUND');

/** Returns whether the name means what it means without any configuration. */
const isHubs = (ref: string, text: string): boolean => parseReference(ref, '/').text === text;

/** Says where a short name got its registry from, which the user did not name. */
function wherefrom(
  error: unknown,
  ref: string,
  { text }: ImageReference,
  file: string | undefined,
): unknown {
  if (file === undefined || !(error instanceof ImageError) || isHubs(ref, text)) return error;
  const { code, message, hint, cause } = error;
  return new ImageError(code, `${message} ("${ref}" is ${text} by ${file})`, { hint, cause });
}

async function storedImage(
  images: ImageStore,
  reference: ImageReference,
  platform: Platform,
  host: Host,
  options: EnsureOptions,
  read: (name: string) => StoredImage | undefined,
): Promise<StoredImage> {
  refuseRejected(reference, host);
  const { text } = nameOf(reference, host, options);
  // Layers that another process removes before the record names them are unpacked again.
  for (let attempt = 1; ; attempt++) {
    try {
      await storeImage(images, reference, text, platform, host, options);
    } catch (error) {
      throw aboutImage(reference.text, storeError(images.directory, error));
    }
    const found = read(text);
    if (found !== undefined) return found;
    if (attempt === 3) {
      throw new ImageError('ERR_IMAGE_STORE', 'The image was removed while it was stored.');
    }
  }
}

async function storeImage(
  images: ImageStore,
  reference: ImageReference,
  name: string,
  platform: Platform,
  host: Host,
  options: EnsureOptions,
): Promise<void> {
  const limits = { ...defaultLimits, ...options.limits };
  const { image, close } = await findImage(images, reference, platform, limits, host, options);
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
        reference: name,
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

/** Returns the name of an image in the store: a short name is the first that it may mean. */
function nameOf(reference: ImageReference, host: Host, { name }: EnsureOptions): ImageReference {
  if (name === undefined) return reference;
  return namedReferences(parseReference(name, '/'), host)[0]?.reference ?? reference;
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
  host: Host,
  options: EnsureOptions,
): Promise<Found> {
  if (reference.kind === 'id') {
    throw new ImageError('ERR_IMAGE_NOT_FOUND', `The store has no image ${reference.text}.`);
  }
  if (reference.kind === 'registry') {
    const { registry = {}, onProgress, signal } = options;
    const onBlob: Parameters<typeof registryImage>[0]['onBlob'] = ({ digest, size }, stage) =>
      onProgress?.({ stage, diffId: digest, size });
    const asked = { images, reference, wanted: platform, limits, onBlob };
    const image = await registryImage(asked, readRegistries(host), registry, signal);
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
  // The stamp is taken before it is read: what changes meanwhile is noticed the next time.
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
