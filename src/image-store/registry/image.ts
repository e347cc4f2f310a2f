/** An image of a registry: its manifest is read at once, its layers when they are needed. */
import { ImageError } from '../../errors/index.js';
import { jsonObject, type Platform, type RegistryReference } from '../../image/index.js';
import { beyondLimit, type ImageLimits } from '../limits.js';
import {
  checkBlob,
  checkManifestSize,
  type Descriptor,
  diffIds,
  followIndexes,
  manifestTypes,
  pairLayers,
} from '../source/manifest.js';
import { type SourceImage, sha256Of, wrongDigest } from '../source/source.js';
import { type ImageStore, locked, removeFile } from '../store/directory.js';
import { type ClientSettings, RegistryClient } from './client.js';
import { download, type OnDownload, partialPath, readPartial } from './download.js';
import { endpointsOf, type MirrorOptions } from './endpoint.js';
import { readAll } from './http.js';

export interface RegistryOptions extends MirrorOptions {
  /** Milliseconds in which a registry has to send something. */
  readonly stallMs?: number | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

type OnBlob = (blob: Descriptor, stage: 'download' | 'resume') => void;

export async function registryImage(
  images: ImageStore,
  reference: RegistryReference,
  wanted: Platform,
  limits: ImageLimits,
  { env = process.env, stallMs, ...mirrors }: RegistryOptions,
  onBlob: OnBlob,
  signal: AbortSignal | undefined,
): Promise<SourceImage> {
  const settings: ClientSettings = { env, stallMs, signal };
  const clients = endpointsOf(reference, mirrors, env).map(
    (one) => new RegistryClient(one, settings),
  );
  let failure: unknown;
  for (const [i, client] of clients.entries()) {
    try {
      return await imageAt(
        images,
        [client, ...clients.slice(i + 1)],
        reference,
        wanted,
        limits,
        onBlob,
      );
    } catch (error) {
      // What is wrong with the image is not better elsewhere; a mirror that has none, or is down, is no end.
      if (!(error instanceof ImageError) || !isOfServer(error)) throw error;
      failure ??= error;
      if (i === clients.length - 1) throw error;
    }
  }
  throw failure;
}

const isOfServer = ({ code }: ImageError): boolean =>
  code === 'ERR_REGISTRY' || code === 'ERR_IMAGE_NOT_FOUND';

async function imageAt(
  images: ImageStore,
  clients: readonly [RegistryClient, ...RegistryClient[]],
  { tag, digest }: RegistryReference,
  wanted: Platform,
  limits: ImageLimits,
  onBlob: OnBlob,
): Promise<SourceImage> {
  const [client] = clients;
  const readManifest = async (name: string): Promise<Buffer> => {
    const answer = await client.get(`manifests/${name}`, { accept: manifestTypes.join(', ') });
    return readAll(answer, limits.manifestBytes, () =>
      beyondLimit(`has a manifest of more than ${limits.manifestBytes} bytes`),
    );
  };
  const bytes = await readManifest(digest ?? tag ?? 'latest');
  const found = sha256Of(bytes);
  if (digest !== undefined && found !== digest) throw wrongDigest('its manifest', digest, found);
  const start = { bytes, digest: found };
  const { manifest, digest: own } = await followIndexes(start, wanted, limits, (one) =>
    readManifest(one.digest),
  );
  checkManifestSize(manifest.config, limits);
  const answer = await client.get(`blobs/${manifest.config.digest}`, {});
  const config = await readAll(answer, manifest.config.size, () =>
    beyondLimit('has a configuration that is longer than its manifest says'),
  );
  checkBlob(config, manifest.config, 'its configuration');
  const image = jsonObject(config, 'its configuration');
  const layers = pairLayers(manifest.layers, diffIds(image, wanted, limits));
  const total = manifest.layers.reduce((sum, { size }) => sum + size, 0);
  if (total > limits.bytes) throw beyondLimit(`has layers of ${total} bytes`, '--max-size');
  return {
    id: manifest.config.digest,
    image,
    manifest: own,
    stamp: undefined,
    layers: layers.map(([blob, diffId]) => ({
      digest: blob.digest,
      diffId,
      size: blob.size,
      open: () => downloaded(images, clients, blob, (stage) => onBlob(blob, stage)),
      discard: () => removeFile(partialPath(images, blob)),
    })),
  };
}

/** The name of the lock of a blob that is downloaded. */
export const blobLock = (name: string): string => `blob-${name}`;

async function* downloaded(
  images: ImageStore,
  clients: readonly RegistryClient[],
  blob: Descriptor,
  onDownload: OnDownload,
): AsyncGenerator<Buffer> {
  const name = blobLock(blob.digest.slice('sha256:'.length));
  await locked(images, name, () => download(images, clients, blob, onDownload));
  yield* readPartial(images, blob);
}
