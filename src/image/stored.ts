/**
 * Images of the store, as far as a run needs them: a small file names an image's layers and configuration.
 * Reads through {@link Host}, so that it also works without Node. `src/image-store` writes what is read here:
 *
 *     STATE/images/refs/HASH.json     a reference for a platform: `StoredRecord`
 *     STATE/images/ids/HEX.json       the same by the image's id
 *     STATE/images/layers/KEY/fs      an unpacked layer
 *     STATE/images/locks/image-HEX    locked, shared, by what uses the image of that id
 */
import { ImageError } from '../errors/index.js';
import { type Host, isWithin } from '../host/index.js';
import {
  type ImageConfig,
  imageConfig,
  type JsonObject,
  jsonObject,
  listOf,
  objectOf,
  textOf,
} from './config.js';
import { aboutImage, invalidImage } from './invalid.js';
import {
  hostPlatform,
  type ImageReference,
  isDigest,
  type LocalReference,
  type Platform,
  parsePlatform,
  parseReference,
  platformText,
} from './reference.js';
import { namedReferences } from './short-names.js';

/** An image whose layers are unpacked. */
export interface StoredImage {
  /** Digest of its configuration: `sha256:…`. */
  readonly id: string;
  /** The reference in full: `docker.io/library/python:3.13`. */
  readonly reference: string;
  /** Absolute directories, topmost first, to be the lower directories of an overlay. */
  readonly lowers: readonly string[];
  /** The file that a run holds a shared lock on while it uses them. */
  readonly lock: string;
  readonly config: ImageConfig;
}

/** Version of the records; another one is of another wasbox. */
export const storeVersion = 1;
export const recordLimit = 4 << 20;

const sha256 = (text: string | Uint8Array): string =>
  process.getBuiltinModule('node:crypto').createHash('sha256').update(text).digest('hex');

export const imagesDirectory = (stateDir: string): string => `${stateDir}/images`;

/** The name of a reference's record in `refs`. */
export const recordName = (reference: string, platform: Platform): string =>
  `${sha256(`${reference}\n${platformText(platform)}`)}.json`;

const recordPath = (stateDir: string, reference: ImageReference, platform: Platform): string =>
  reference.kind === 'id'
    ? `${imagesDirectory(stateDir)}/ids/${reference.text.slice('sha256:'.length)}.json`
    : `${imagesDirectory(stateDir)}/refs/${recordName(reference.text, platform)}`;

export const layerDirectory = (stateDir: string, key: string): string =>
  `${imagesDirectory(stateDir)}/layers/${key}/fs`;

/** The lock of an image by its id, `sha256:…`. */
export const imageLock = (stateDir: string, id: string): string =>
  `${imagesDirectory(stateDir)}/locks/${imageLockName(id)}`;

/** Returns the id as a name in `locks`. */
export const imageLockName = (id: string): string => `image-${id.slice('sha256:'.length)}`;

/** Returns a stamp that tells whether a local source is the one that was read: its index, or which file it is. */
export function sourceStamp(files: Host['files'], source: LocalReference): string | undefined {
  if (source.kind === 'oci') {
    const index = files.read(`${source.path}/index.json`, recordLimit);
    return index === undefined ? undefined : sha256(index);
  }
  const info = files.stat(source.path);
  return info === undefined ? undefined : `${info.dev}:${info.ino}`;
}

type AskedHost = Pick<Host, 'cwd' | 'env' | 'uid' | 'userById'> & { readonly files: Host['files'] };

/**
 * An image that is in the store, or undefined: it is to be pulled or imported.
 *
 * @param ref as the user gives it
 * @param platform `linux/arm64`. @default this machine's
 * @throws UsageError where `ref` names nothing; ImageError where another version of wasbox wrote the store
 */
export function readStoredImage(
  host: AskedHost,
  stateDir: string,
  ref: string,
  platform?: string,
): StoredImage | undefined {
  const wanted = platform === undefined ? hostPlatform() : parsePlatform(platform);
  for (const { reference } of namedReferences(parseReference(ref, host.cwd() ?? '/'), host)) {
    try {
      const found = storedAs(host.files, stateDir, reference, wanted);
      if (found !== undefined) return found;
    } catch (error) {
      throw aboutImage(reference.text, error);
    }
  }
  return undefined;
}

function storedAs(
  files: Host['files'],
  stateDir: string,
  reference: ImageReference,
  wanted: Platform,
): StoredImage | undefined {
  const bytes = files.read(recordPath(stateDir, reference, wanted), recordLimit);
  if (bytes === undefined) return undefined;
  const record = jsonObject(bytes, 'its record in the store');
  checkVersion(record);
  if (!isCurrent(files, reference, record)) return undefined;
  const lowers = lowersOf(record, stateDir);
  if (lowers.some((path) => files.lstat(path)?.kind !== 'directory')) return undefined;
  const id = textOf(record.id, 'id');
  if (!isDigest(id)) throw invalidImage('its record in the store has no id');
  return {
    id,
    reference: reference.text,
    lowers,
    lock: imageLock(stateDir, id),
    config: imageConfig(objectOf(record.image, 'the configuration in its record')),
  };
}

export function checkVersion(record: JsonObject): void {
  if (record.version === storeVersion) return;
  throw new ImageError('ERR_IMAGE_STORE', 'Another version of wasbox wrote the image store.', {
    hint: 'Remove its images, then pull them again:\n  wasbox image prune --all',
  });
}

function isCurrent(files: Host['files'], reference: ImageReference, record: JsonObject): boolean {
  if (reference.kind === 'id' || reference.kind === 'registry') return true;
  return sourceStamp(files, reference) === record.stamp;
}

const keyPattern = /^[0-9a-f]{64}$/;

function lowersOf(record: JsonObject, stateDir: string): string[] {
  return listOf(record.layers, 'layers').map((key) => {
    const directory = typeof key === 'string' ? layerDirectory(stateDir, key) : '';
    if (typeof key !== 'string' || !keyPattern.test(key) || !isWithin(directory, stateDir)) {
      throw invalidImage('its record in the store names no layer');
    }
    return directory;
  });
}
