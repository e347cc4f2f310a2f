/** Layers of the store: each is unpacked once, whatever images need it. */
import { createHash } from 'node:crypto';
import { closeSync, constants, existsSync, mkdirSync, openSync, renameSync } from 'node:fs';
import { openRoot } from '../../changes/index.js';
import { ImageError } from '../../errors/index.js';
import { layerDirectory, storeVersion } from '../../image/index.js';
import { closeDescriptor } from '../../native/index.js';
import type { Budget } from '../limits.js';
import { decompressed } from '../source/decompress.js';
import { type SourceLayer, verified } from '../source/source.js';
import { LayersBelow } from '../unpack/below.js';
import { unpackLayer } from '../unpack/layer.js';
import {
  type ImageStore,
  locked,
  pathIn,
  recordsLock,
  removeLayer,
  removeMade,
  storeError,
  syncDirectory,
} from './directory.js';
import { layerRecordPath, readLayerRecord, versionOf, writeLayerRecord } from './records.js';

export interface AddedLayer {
  readonly key: string;
  readonly opaqueRoot: boolean;
  readonly bytes: number;
  readonly entries: number;
}

export type OnLayer = (event: {
  readonly stage: 'download' | 'resume' | 'unpack' | 'wait' | 'present';
  readonly diffId: string;
  readonly size: number | undefined;
}) => void;

const hexOf = (digest: string): string => digest.slice('sha256:'.length);

/** The key of a layer whose directory depends on those below it. */
const keyAbove = (diffId: string, below: readonly string[]): string =>
  createHash('sha256')
    .update([diffId, ...below].join('\n'))
    .digest('hex');

/**
 * @param below keys of the layers below, topmost first
 * @param budget what the image has cost so far
 */
export async function addLayer(
  images: ImageStore,
  layer: SourceLayer,
  below: readonly string[],
  budget: Budget,
  onLayer?: OnLayer | undefined,
  signal?: AbortSignal | undefined,
): Promise<AddedLayer> {
  const { diffId, size } = layer;
  const own = hexOf(diffId);
  const present = (): AddedLayer | undefined => {
    for (const key of [own, keyAbove(diffId, below)]) {
      const record = readLayerRecord(images, key);
      if (record === undefined || record.diffId !== diffId) continue;
      const { opaqueRoot, bytes, entries } = record;
      return { key, opaqueRoot, bytes, entries };
    }
    return undefined;
  };
  const count = (found: AddedLayer): AddedLayer => {
    budget.addBytes(found.bytes);
    budget.addEntries(found.entries);
    onLayer?.({ stage: 'present', diffId, size });
    return found;
  };
  const early = present();
  if (early !== undefined) return count(early);
  const wait = (): void => onLayer?.({ stage: 'wait', diffId, size });
  return locked(
    images,
    own,
    async () => {
      const found = present();
      if (found !== undefined) return count(found);
      onLayer?.({ stage: 'unpack', diffId, size });
      try {
        return await unpackNew(images, layer, below, budget, wait, signal);
      } catch (error) {
        throw storeError(images.directory, error);
      } finally {
        removeMade(images, own);
      }
    },
    wait,
    signal,
  );
}

async function unpackNew(
  images: ImageStore,
  layer: SourceLayer,
  below: readonly string[],
  budget: Budget,
  wait: () => void,
  signal: AbortSignal | undefined,
): Promise<AddedLayer> {
  const { native } = images.store;
  const { diffId } = layer;
  const name = hexOf(diffId);
  removeMade(images, name); // of a process that was killed
  const making = pathIn(images, 'making', name);
  mkdirSync(making, { mode: 0o700 });
  mkdirSync(`${making}/fs`, { mode: 0o755 });
  const lowers = new LayersBelow(
    native,
    below.map((key) => layerDirectory(images.store.directory, key)),
  );
  const before = { bytes: budget.bytes, entries: budget.entries };
  const root = openRootToRead(images, `${making}/fs`);
  const owners = openSync(
    `${making}/owners`,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL,
    0o600,
  );
  try {
    const blob =
      layer.digest === undefined ? layer.open() : verified(layer.open(), 'a layer', layer.digest);
    const archive = verified(watched(blob, budget), 'a layer, unpacked,', diffId);
    const unpacked = await unpackLayer(archive, { native, root, below: lowers, budget, owners });
    const bytes = budget.bytes - before.bytes;
    const entries = budget.entries - before.entries;
    const { opaqueRoot, notes } = unpacked;
    writeLayerRecord(making, {
      version: storeVersion,
      diffId,
      bytes,
      entries,
      opaqueRoot,
      notes: notes.json,
    });
    const key = unpacked.dependsOnBelow ? keyAbove(diffId, below) : name;
    const target = pathIn(images, 'layers', key);
    // Whole on the disk before it has its name: a record is believed after a crash of the machine, too.
    native.syncfs(root);
    if (existsSync(target)) {
      // The layer is of another version, or damaged: present() did not take it. Who removes layers holds this lock.
      await locked(images, recordsLock, () => replaceLayer(images, key, making), wait, signal);
    } else renameSync(making, target);
    syncDirectory(pathIn(images, 'layers', '.'));
    layer.discard?.();
    return { key, opaqueRoot, bytes, entries };
  } finally {
    closeSync(owners);
    closeDescriptor(root);
    lowers.close();
  }
}

function replaceLayer(images: ImageStore, key: string, making: string): void {
  const version = versionOf(layerRecordPath(pathIn(images, 'layers', key))) ?? 0;
  if (version > storeVersion)
    throw new ImageError('ERR_IMAGE_STORE', 'A newer version of wasbox stored a layer of it.', {
      hint: 'Use that version, or remove all images and pull them again:\n  wasbox image prune --all',
    });
  removeLayer(images, key);
  renameSync(making, pathIn(images, 'layers', key));
}

function openRootToRead(images: ImageStore, path: string): number {
  const { native } = images.store;
  const handle = openRoot(native, path);
  try {
    return native.openat2(handle, '.', constants.O_DIRECTORY, 0, 0);
  } finally {
    closeDescriptor(handle);
  }
}

/** The archive in a blob; a bomb is noticed by how much comes out of how little. */
async function* watched(blob: AsyncIterable<Buffer>, budget: Budget): AsyncGenerator<Buffer> {
  let [packed, unpacked] = [0, 0];
  const counted = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of blob) {
      packed += chunk.length;
      yield chunk;
    }
  };
  for await (const chunk of decompressed(counted())) {
    unpacked += chunk.length;
    budget.checkRatio(packed, unpacked);
    yield chunk;
  }
}
