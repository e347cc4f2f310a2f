/** An image of a registry: its manifest is read at once, its layers when they are needed. */
import { ImageError } from '../../errors/index.js';
import {
  jsonObject,
  type Platform,
  type Registries,
  type RegistryReference,
} from '../../image/index.js';
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
import {
  type DownloadEvents,
  download,
  type OnPassedOver,
  partialPath,
  readPartial,
} from './download.js';
import { endpointsOf, type MirrorOptions } from './endpoint.js';
import { readAll } from './http.js';

export interface RegistryOptions extends MirrorOptions {
  /** Milliseconds in which a registry has to send something. */
  readonly stallMs?: number | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Called for each server that is passed over, with what was wrong there. */
  readonly onPassedOver?: ((host: string, problem: string) => void) | undefined;
}

type OnBlob = (blob: Descriptor, stage: 'download' | 'resume') => void;

interface Asked {
  readonly images: ImageStore;
  readonly reference: RegistryReference;
  readonly wanted: Platform;
  readonly limits: ImageLimits;
  readonly onBlob: OnBlob;
  readonly onPassedOver: OnPassedOver;
}

/**
 * The image from its mirrors or from its registry, which is the last to be asked.
 * @throws ImageError what the registry itself said, where no mirror has the image
 */
export async function registryImage(
  asked: Omit<Asked, 'onPassedOver'>,
  registries: Registries,
  { env = process.env, stallMs, onPassedOver = () => undefined, ...mirrors }: RegistryOptions,
  signal: AbortSignal | undefined,
): Promise<SourceImage> {
  const settings: ClientSettings = { env, stallMs, signal };
  const passOver: OnPassedOver = ({ host }, error) =>
    onPassedOver(host, error instanceof Error ? error.message : String(error));
  const clients = endpointsOf(asked.reference, mirrors, registries).map(
    (one) => new RegistryClient(one, settings),
  );
  for (const [i, client] of clients.entries()) {
    const later = clients.slice(i + 1);
    try {
      return await imageAt({ ...asked, onPassedOver: passOver }, [client, ...later]);
    } catch (error) {
      // A mirror that has no such image, is down, or sends something wrong is no end: the registry decides.
      if (later.length === 0 || !(error instanceof ImageError)) throw error;
      passOver(client.endpoint, error);
    }
  }
  throw new ImageError('ERR_REGISTRY', `No registry has ${asked.reference.text}.`);
}

async function imageAt(
  { images, reference: { digest }, wanted, limits, onBlob, onPassedOver }: Asked,
  clients: readonly [RegistryClient, ...RegistryClient[]],
): Promise<SourceImage> {
  const [client] = clients;
  const readManifest = async (name: string): Promise<Buffer> => {
    const answer = await client.get(`manifests/${name}`, { accept: manifestTypes.join(', ') });
    return readAll(answer, limits.manifestBytes, () =>
      beyondLimit(`has a manifest of more than ${limits.manifestBytes} bytes`),
    );
  };
  const bytes = await readManifest(client.endpoint.name);
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
      open: () =>
        downloaded(images, clients, blob, {
          onDownload: (stage) => onBlob(blob, stage),
          onPassedOver,
        }),
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
  on: DownloadEvents,
): AsyncGenerator<Buffer> {
  const name = blobLock(blob.digest.slice('sha256:'.length));
  await locked(images, name, () => download(images, clients, blob, on));
  yield* readPartial(images, blob);
}
