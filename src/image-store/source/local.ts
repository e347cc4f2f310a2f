/** Images that are files: an OCI layout, as a directory or an archive, and what `docker save` writes. */
import { ImageError } from '../../errors/index.js';
import {
  invalidImage,
  type Json,
  jsonObject,
  type LocalReference,
  listOf,
  objectOf,
  type Platform,
  textOf,
} from '../../image/index.js';
import type { ImageLimits } from '../limits.js';
import type { ImageFiles } from './files.js';
import {
  checkBlob,
  checkManifestSize,
  chooseManifest,
  type Descriptor,
  descriptorsOf,
  diffIds,
  followIndexes,
  pairLayers,
} from './manifest.js';
import { type SourceImage, sha256Of } from './source.js';

const blobName = (digest: string): string => `blobs/sha256/${digest.slice('sha256:'.length)}`;

function required(
  files: ImageFiles,
  name: string,
  limits: ImageLimits,
  hint?: string | undefined,
): Buffer {
  const bytes = files.read(name, limits.manifestBytes);
  if (bytes === undefined) throw invalidImage(`it has no file ${JSON.stringify(name)}`, { hint });
  return bytes;
}

const several = (names: readonly string[], text: string): ImageError =>
  new ImageError('ERR_IMAGE_NOT_FOUND', `${text} has several images.`, {
    hint: `Name one, like ${text}:${names[0] ?? 'NAME'}. It has: ${names.slice(0, 20).join(', ')}`,
  });

const notThere = (text: string, names: readonly string[]): ImageError =>
  new ImageError('ERR_IMAGE_NOT_FOUND', `${text}: there is no image of this name in it.`, {
    hint: names.length === 0 ? undefined : `It has: ${names.slice(0, 20).join(', ')}`,
  });

const namesOf = (all: readonly Descriptor[]): string[] => [
  ...new Set(all.flatMap(({ name }) => (name === undefined ? [] : [name]))),
];

/** Returns the images of the index that the reference means: several where they are for several platforms. */
function named(all: readonly Descriptor[], { name, text }: LocalReference): Descriptor[] {
  const names = namesOf(all);
  if (name !== undefined) {
    const found = all.filter((one) => one.name === name);
    if (found.length === 0) throw notThere(text, names);
    return found;
  }
  if (names.length > 1) throw several(names, text);
  return [...all];
}

/** OCI image layout: `index.json` and `blobs/sha256`. */
export async function layoutImage(
  files: ImageFiles,
  reference: LocalReference,
  wanted: Platform,
  limits: ImageLimits,
): Promise<Omit<SourceImage, 'stamp'>> {
  const index = jsonObject(required(files, 'index.json', limits), 'index.json');
  const manifests = named(descriptorsOf(index), reference);
  const read = (descriptor: Descriptor): Promise<Buffer> =>
    Promise.resolve(required(files, blobName(descriptor.digest), limits));
  const first = chooseManifest(manifests, wanted);
  checkManifestSize(first, limits);
  const bytes = await read(first);
  checkBlob(bytes, first, 'its manifest');
  const start = { bytes, digest: first.digest };
  const { manifest, digest } = await followIndexes(start, wanted, limits, read);
  checkManifestSize(manifest.config, limits);
  const config = await read(manifest.config);
  checkBlob(config, manifest.config, 'its configuration');
  const image = jsonObject(config, 'its configuration');
  const ids = diffIds(image, wanted, limits);
  return {
    id: manifest.config.digest,
    image,
    manifest: digest,
    layers: pairLayers(manifest.layers, ids).map(([layer, diffId]) => ({
      digest: layer.digest,
      diffId,
      size: layer.size,
      open: () => files.stream(blobName(layer.digest)),
    })),
  };
}

/** `docker save`: `manifest.json` names a configuration, tags and layers for each image. */
export function dockerImage(
  files: ImageFiles,
  { name, text }: LocalReference,
  wanted: Platform,
  limits: ImageLimits,
): Omit<SourceImage, 'stamp'> {
  const hint =
    'If it comes from `docker export`, it has the files of a container but no image: use `docker save`.';
  const bytes = required(files, 'manifest.json', limits, hint);
  const entries = listOf(parsed(bytes), 'manifest.json').map((one) => objectOf(one, 'an image'));
  const tags = entries.map((one) =>
    listOf(one.RepoTags, 'RepoTags').map((tag) => textOf(tag, 'a tag')),
  );
  const all = tags.flat();
  if (name === undefined && entries.length > 1) throw several(all, text);
  const at = name === undefined ? 0 : tags.findIndex((own) => own.some((tag) => isTag(tag, name)));
  const entry = entries[at];
  if (entry === undefined) throw notThere(text, all);
  const config = required(files, textOf(entry.Config, 'Config'), limits);
  const image = jsonObject(config, 'its configuration');
  const ids = diffIds(image, wanted, limits);
  const layers = listOf(entry.Layers, 'Layers').map((one) => textOf(one, 'a layer'));
  if (layers.length !== ids.length) {
    throw invalidImage(`it has ${layers.length} layers, but its configuration names ${ids.length}`);
  }
  return {
    id: sha256Of(config),
    image,
    manifest: undefined,
    layers: layers.map((layer, i) => ({
      digest: undefined,
      diffId: ids[i] ?? '',
      size: undefined,
      open: () => files.stream(layer),
    })),
  };
}

/** `name` is `name:latest`. */
const isTag = (tag: string, name: string): boolean => tag === name || tag === `${name}:latest`;

function parsed(bytes: Buffer): Json {
  // jsonObject() reads objects only, and this is a list.
  const text = Buffer.concat([Buffer.from('{"list":'), bytes, Buffer.from('}')]);
  return jsonObject(text, 'manifest.json').list ?? null;
}
