/** Manifests and indexes: OCI's and Docker's, which differ in their names only. */
import { ImageError } from '../../errors/index.js';
import {
  invalidImage,
  isDigest,
  type JsonObject,
  jsonObject,
  listOf,
  objectOf,
  type Platform,
  platformText,
  textOf,
} from '../../image/index.js';
import { beyondLimit, type ImageLimits } from '../limits.js';
import { sha256Of, wrongDigest } from './source.js';

export const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
] as const;

export interface Descriptor {
  readonly digest: string;
  readonly size: number;
  readonly mediaType: string;
  readonly platform: Platform | undefined;
  /** `org.opencontainers.image.ref.name` */
  readonly name: string | undefined;
}

export function descriptorOf(value: JsonObject): Descriptor {
  const digest = textOf(value.digest, 'a digest');
  if (!isDigest(digest)) throw invalidImage(`a digest is not sha256: ${JSON.stringify(digest)}`);
  const { size } = value;
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw invalidImage('a descriptor has no size');
  }
  const platform =
    value.platform === undefined || value.platform === null
      ? undefined
      : objectOf(value.platform, 'platform');
  const annotations =
    value.annotations === undefined || value.annotations === null
      ? {}
      : objectOf(value.annotations, 'annotations');
  const name = textOf(annotations['org.opencontainers.image.ref.name'], 'a name');
  const variant = textOf(platform?.variant, 'variant');
  return {
    digest,
    size,
    mediaType: textOf(value.mediaType, 'mediaType'),
    platform:
      platform === undefined
        ? undefined
        : {
            os: textOf(platform.os, 'os'),
            architecture: textOf(platform.architecture, 'architecture'),
            variant: variant === '' ? undefined : variant,
          },
    name: name === '' ? undefined : name,
  };
}

export const descriptorsOf = (index: JsonObject): Descriptor[] =>
  listOf(index.manifests, 'manifests').map((one) => descriptorOf(objectOf(one, 'a descriptor')));

export interface Manifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** Media types of layers that are not in the image but elsewhere. */
const foreign = /foreign|nondistributable/;

export function manifestOf(value: JsonObject, limits: ImageLimits): Manifest {
  if (value.schemaVersion !== 2) {
    throw invalidImage('its manifest is of a format that registries no longer use (schema 1)');
  }
  const layers = listOf(value.layers, 'layers').map((one) =>
    descriptorOf(objectOf(one, 'a layer')),
  );
  if (layers.length > limits.layers) throw beyondLimit(`has more than ${limits.layers} layers`);
  const elsewhere = layers.find(({ mediaType }) => foreign.test(mediaType));
  if (elsewhere !== undefined)
    throw invalidImage('it has a layer that its registry may not distribute');
  return { config: descriptorOf(objectOf(value.config, 'config')), layers };
}

export const isIndex = (value: JsonObject): boolean => Array.isArray(value.manifests);

const matches = (found: Platform, wanted: Platform): boolean =>
  found.os === wanted.os &&
  found.architecture === wanted.architecture &&
  (wanted.variant === undefined || found.variant === wanted.variant);

const texts = (descriptors: readonly Descriptor[]): string =>
  descriptors
    .map(({ platform }) => (platform === undefined ? '' : platformText(platform)))
    .filter((text) => text !== '' && !text.startsWith('unknown/'))
    .slice(0, 20)
    .join(', ');

/** @throws ImageError ERR_IMAGE_NOT_FOUND */
export function chooseManifest(descriptors: readonly Descriptor[], wanted: Platform): Descriptor {
  const found = descriptors.find(
    ({ platform }) => platform !== undefined && matches(platform, wanted),
  );
  const [only] = descriptors;
  if (found !== undefined) return found;
  if (only !== undefined && descriptors.length === 1 && only.platform === undefined) return only;
  const there = texts(descriptors);
  throw new ImageError(
    'ERR_IMAGE_NOT_FOUND',
    `The image is not there for ${platformText(wanted)}.`,
    {
      hint: there === '' ? undefined : `It is there for ${there}. Choose with --platform.`,
    },
  );
}

/** A JSON blob of an image by its descriptor, of the size and digest that it says. */
export type ReadBlob = (descriptor: Descriptor) => Promise<Buffer>;

/** @throws ImageError where the bytes are not those of the descriptor */
export function checkBlob(bytes: Buffer, { digest, size }: Descriptor, what: string): void {
  if (bytes.length !== size)
    throw invalidImage(`${what} has ${bytes.length} bytes instead of ${size}`);
  const found = sha256Of(bytes);
  if (found !== digest) throw wrongDigest(what, digest, found);
}

/** Goes from an index to the manifest for a platform, through indexes of indexes. */
export async function followIndexes(
  first: { readonly bytes: Buffer; readonly digest: string },
  wanted: Platform,
  limits: ImageLimits,
  read: ReadBlob,
): Promise<{ manifest: Manifest; digest: string }> {
  let { bytes, digest } = first;
  for (let count = 1; ; count++) {
    const value = jsonObject(bytes, 'its manifest');
    if (!isIndex(value)) return { manifest: manifestOf(value, limits), digest };
    if (count >= limits.manifests) throw beyondLimit('has too many indexes of indexes');
    const next = chooseManifest(descriptorsOf(value), wanted);
    checkManifestSize(next, limits);
    bytes = await read(next);
    checkBlob(bytes, next, 'a manifest');
    ({ digest } = next);
  }
}

export function checkManifestSize({ size }: Pick<Descriptor, 'size'>, limits: ImageLimits): void {
  if (size > limits.manifestBytes) throw beyondLimit(`has a manifest of ${size} bytes`);
}

/** The layers' diff IDs, lowest first, from a configuration that is for the platform. */
export function diffIds(image: JsonObject, wanted: Platform, limits: ImageLimits): string[] {
  const os = textOf(image.os, 'os');
  const architecture = textOf(image.architecture, 'architecture');
  const variant = textOf(image.variant, 'variant');
  const own: Platform = { os, architecture, variant: variant === '' ? undefined : variant };
  if (os !== '' && architecture !== '' && !matches(own, { ...wanted, variant: undefined })) {
    throw new ImageError(
      'ERR_IMAGE_NOT_FOUND',
      `The image is for ${platformText(own)}, not for ${platformText(wanted)}.`,
      { hint: `To use it all the same: --platform ${os}/${architecture}` },
    );
  }
  const rootfs = objectOf(image.rootfs, 'rootfs');
  const ids = listOf(rootfs.diff_ids, 'diff_ids').map((one) => textOf(one, 'a diff ID'));
  const bad = ids.find((one) => !isDigest(one));
  if (bad !== undefined) throw invalidImage(`a diff ID is not sha256: ${JSON.stringify(bad)}`);
  if (ids.length > limits.layers) throw beyondLimit(`has more than ${limits.layers} layers`);
  return ids;
}

export function pairLayers(
  layers: readonly Descriptor[],
  ids: readonly string[],
): (readonly [Descriptor, string])[] {
  if (layers.length !== ids.length) {
    throw invalidImage(`it has ${layers.length} layers, but its configuration names ${ids.length}`);
  }
  return layers.map((layer, i) => [layer, ids[i] ?? ''] as const);
}
