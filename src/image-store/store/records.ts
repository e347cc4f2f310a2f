/** Records of images and of layers: small JSON files that appear whole. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  type JsonObject,
  jsonObject,
  listOf,
  type Platform,
  platformText,
  recordName,
  storeVersion,
  textOf,
} from '../../image/index.js';
import type { NotesJson } from '../unpack/notes.js';
import { type ImageStore, namesIn, pathIn, removeFile, syncDirectory } from './directory.js';

export interface ImageRecord {
  readonly version: number;
  readonly id: string;
  readonly reference: string;
  readonly platform: string;
  readonly manifest: string | undefined;
  /** Keys, topmost first. */
  readonly layers: readonly string[];
  /** Bytes of all layers. */
  readonly bytes: number;
  /** When it was stored, ISO 8601. */
  readonly stored: string;
  readonly stamp: string | undefined;
  /** The image's configuration, as it is. */
  readonly image: JsonObject;
}

export interface LayerRecord {
  readonly version: number;
  readonly diffId: string;
  readonly bytes: number;
  readonly entries: number;
  /** True if it hides all layers below it. */
  readonly opaqueRoot: boolean;
  readonly notes: NotesJson;
}

/** A record of this version; undefined for one of another, and for one that is damaged. */
function readRecord(path: string): JsonObject | undefined {
  try {
    const record = jsonObject(readFileSync(path), path);
    return record.version === storeVersion ? record : undefined;
  } catch {
    return undefined;
  }
}

/** The version that wrote a record; undefined where it is damaged. */
export function versionOf(path: string): number | undefined {
  try {
    const { version } = jsonObject(readFileSync(path), path);
    return typeof version === 'number' ? version : undefined;
  } catch {
    return undefined;
  }
}

/** Records that another version wrote: which layers they need cannot be known. */
export const otherRecords = (images: ImageStore): string[] =>
  (['refs', 'ids'] as const).flatMap((part) =>
    namesIn(images, part).filter((file) => {
      const version = versionOf(pathIn(images, part, file));
      return version !== undefined && version !== storeVersion;
    }),
  );

function writeWhole(path: string, value: object): void {
  const next = `${path}.${process.pid}.new`;
  try {
    writeFileSync(next, `${JSON.stringify(value)}\n`, { mode: 0o600, flush: true });
    renameSync(next, path);
    syncDirectory(dirname(path));
  } catch (error) {
    removeFile(next);
    throw error;
  }
}

export const layerRecordPath = (directory: string): string => `${directory}/layer.json`;

export const writeLayerRecord = (directory: string, record: LayerRecord): void =>
  writeWhole(layerRecordPath(directory), record);

export const readLayerRecord = (images: ImageStore, key: string): LayerRecord | undefined =>
  readRecord(layerRecordPath(pathIn(images, 'layers', key))) as LayerRecord | undefined;

export function writeImageRecord(
  images: ImageStore,
  record: ImageRecord,
  platform: Platform,
): void {
  writeWhole(pathIn(images, 'ids', `${record.id.slice('sha256:'.length)}.json`), record);
  writeWhole(pathIn(images, 'refs', recordName(record.reference, platform)), {
    ...record,
    platform: platformText(platform),
  });
}

/** One file that names an image. */
export interface NamedRecord {
  readonly part: 'refs' | 'ids';
  readonly file: string;
  readonly record: ImageRecord;
}

export function imageRecords(images: ImageStore, part: 'refs' | 'ids'): NamedRecord[] {
  return namesIn(images, part).flatMap((file) => {
    const record = readRecord(pathIn(images, part, file));
    if (record === undefined) return [];
    return [{ part, file, record: record as unknown as ImageRecord }];
  });
}

/** Layers that records need. */
export function neededLayers(images: ImageStore): Set<string> {
  const records = [...imageRecords(images, 'refs'), ...imageRecords(images, 'ids')];
  return new Set(
    records.flatMap(({ record }) =>
      listOf(record.layers, 'layers').map((key) => textOf(key, 'a layer')),
    ),
  );
}
