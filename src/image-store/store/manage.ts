/** Lists, shows and removes what the store has. */
import { closeSync, readdirSync } from 'node:fs';
import type { Store } from '../../changes/index.js';
import { ImageError } from '../../errors/index.js';
import { realHost } from '../../host/index.js';
import {
  hostPlatform,
  imageLockName,
  isIdLike,
  namedReferences,
  parsePlatform,
  parseReference,
  platformText,
} from '../../image/index.js';
import { blobLock } from '../registry/image.js';
import {
  heldAlone,
  type ImageStore,
  ifUnlocked,
  locked,
  namesIn,
  openImageStore,
  pathIn,
  recordsLock,
  removeFile,
  removeLayer,
  removeMade,
} from './directory.js';
import {
  type ImageRecord,
  imageRecords,
  type LayerRecord,
  type NamedRecord,
  neededLayers,
  otherRecords,
  readLayerRecord,
} from './records.js';

export interface ListedImage {
  readonly reference: string;
  readonly platform: string;
  readonly id: string;
  /** The size of its layers, unpacked, also where other images share them. */
  readonly bytes: number;
  /** ISO 8601. */
  readonly stored: string;
}

/** The newest first. */
export function listImages(store: Store): ListedImage[] {
  return imageRecords(openImageStore(store), 'refs')
    .map(({ record: { reference, platform, id, bytes, stored } }) => ({
      reference,
      platform,
      id,
      bytes,
      stored,
    }))
    .sort((a, b) => (a.stored < b.stored ? 1 : -1));
}

export interface InspectedImage extends ImageRecord {
  /** The unpacked layers, topmost first. */
  readonly unpacked: readonly (Omit<LayerRecord, 'version'> & {
    readonly key: string;
    readonly directory: string;
  })[];
}

/** `abc123`: the beginning of an id, as `ls` shows it. */
const idStart = /^(?:sha256:)?([0-9a-f]{6,64})$/;

/** All names that a text means: a reference for a platform, or all of an id. */
function recordsOf(images: ImageStore, text: string, platform: string | undefined): NamedRecord[] {
  const all = [...imageRecords(images, 'refs'), ...imageRecords(images, 'ids')];
  const wanted = platform === undefined ? undefined : platformText(parsePlatform(platform));
  const byName = (): NamedRecord[] => {
    const host = realHost();
    const own = wanted ?? platformText(hostPlatform());
    const meant = namedReferences(parseReference(text, host.cwd() ?? '/'), host).map(
      ({ reference }) =>
        all.filter(
          ({ part, record }) =>
            part === 'refs' && record.reference === reference.text && record.platform === own,
        ),
    );
    return meant.find((records) => records.length > 0) ?? [];
  };
  const named = isIdLike(text) ? [] : byName();
  if (named.length > 0) return named;
  const [, start] = idStart.exec(text) ?? [];
  const found = all.filter(
    ({ record }) => start !== undefined && record.id.startsWith(`sha256:${start}`),
  );
  if (new Set(found.map(({ record }) => record.id)).size > 1) {
    throw new ImageError(
      'ERR_IMAGE_NOT_FOUND',
      `Several images have an id that begins with ${text}.`,
    );
  }
  if (found.length > 0) return found;
  throw new ImageError('ERR_IMAGE_NOT_FOUND', `The store has no image "${text}".`, {
    hint: 'wasbox image ls lists what it has.',
  });
}

export function inspectImage(store: Store, text: string, platform?: string): InspectedImage {
  const images = openImageStore(store);
  const [found] = recordsOf(images, text, platform);
  if (found === undefined) throw new ImageError('ERR_IMAGE_NOT_FOUND', 'No such image.');
  const unpacked = found.record.layers.flatMap((key) => {
    const layer = readLayerRecord(images, key);
    if (layer === undefined) return [];
    const { version: _, ...rest } = layer;
    return [{ key, directory: pathIn(images, 'layers', key), ...rest }];
  });
  return { ...found.record, unpacked };
}

export interface RemovedImages {
  /** References. */
  readonly references: readonly string[];
  /** Images without a name that running sandboxes use: they are removed later. */
  readonly inUse: number;
}

/**
 * Removes names; an image goes with its last one, and layers that no other image needs. One that a running sandbox
 * uses goes without its names the next time.
 */
export async function removeImages(
  store: Store,
  texts: readonly string[],
  platform?: string,
): Promise<RemovedImages> {
  const images = openImageStore(store);
  return locked(images, recordsLock, () => {
    const removed = texts.flatMap((text) => recordsOf(images, text, platform));
    for (const { part, file } of removed) {
      if (part === 'refs') removeFile(pathIn(images, part, file));
    }
    const { inUse } = removeUnneeded(images);
    return { references: [...new Set(removed.map(({ record }) => record.reference))], inUse };
  });
}

/**
 * Removes records by id that no reference names any more, then layers that no record needs. A sandbox takes the lock
 * of its image before it looks for the layers, so the locks are held until those are gone.
 */
function removeUnneeded(images: ImageStore): Omit<Pruned, 'images' | 'leftovers'> {
  const named = new Set(imageRecords(images, 'refs').map(({ record }) => record.id));
  const locks: number[] = [];
  let inUse = 0;
  try {
    for (const { file, record } of imageRecords(images, 'ids')) {
      if (named.has(record.id)) continue;
      const lock = heldAlone(images, imageLockName(record.id));
      if (lock === undefined) inUse += 1;
      else {
        locks.push(lock);
        removeFile(pathIn(images, 'ids', file));
      }
    }
    const others = otherRecords(images).length;
    const needed = neededLayers(images);
    const unneeded = others > 0 ? [] : namesIn(images, 'layers').filter((key) => !needed.has(key));
    for (const key of unneeded) removeLayer(images, key);
    return { layers: unneeded.length, inUse, others };
  } finally {
    for (const lock of locks) closeSync(lock);
  }
}

export interface Pruned {
  readonly images: number;
  readonly layers: number;
  /** Downloads that were interrupted, and layers that were half unpacked. */
  readonly leftovers: number;
  /** Images without a name that running sandboxes use: they are removed later. */
  readonly inUse: number;
  /** Records of another version. While there are some, no layer is removed: they may need it. */
  readonly others: number;
}

/** Removes what no image needs, and what an interrupted pull left; with `all`, all images, too. */
export async function pruneImages(store: Store, all: boolean): Promise<Pruned> {
  const images = openImageStore(store);
  return locked(images, recordsLock, () => {
    let removed = 0;
    for (const part of ['refs', 'ids'] as const) {
      const current = new Set(imageRecords(images, part).map(({ file }) => file));
      for (const file of namesIn(images, part)) {
        // Records of another version go as well, which name layers that cannot be known. Records by id go with their
        // images.
        if (current.has(file) ? !all || part === 'ids' : !all && !file.endsWith('.new')) continue;
        removeFile(pathIn(images, part, file));
        if (part === 'refs') removed += 1;
      }
    }
    return { images: removed, ...removeUnneeded(images), leftovers: removeLeftovers(images) };
  });
}

function removeLeftovers(images: ImageStore): number {
  let count = 0;
  for (const name of readdirSync(`${images.directory}/making`)) {
    // A process that still makes the image holds the lock.
    if (ifUnlocked(images, name.replace(/^removed-/, ''), () => removeMade(images, name)))
      count += 1;
  }
  for (const name of namesIn(images, 'partial')) {
    if (ifUnlocked(images, blobLock(name), () => removeFile(pathIn(images, 'partial', name))))
      count += 1;
  }
  return count;
}
