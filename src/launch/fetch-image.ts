/** Images that a run names and the store does not have: fetched, as `docker run` does it. */
import { openStore, type Store } from '../changes/index.js';
import { ImageError } from '../errors/index.js';
import type { Host } from '../host/index.js';
import type { EnsureOptions } from '../image-store/index.js';
import { loadNative } from '../native/index.js';
import type { ResolveOptions } from '../options/index.js';

/** The part of wasbox that reads archives and registries: a file of its own, since few runs need it. */
export type ImageStoreModule = Pick<typeof import('../image-store/index.js'), 'ensureImage'>;

export interface FetchImage {
  /** @default the file beside the library's */
  readonly load?: (() => Promise<ImageStoreModule>) | undefined;
  readonly onProgress?: EnsureOptions['onProgress'] | undefined;
  /** @default the user's own configuration of registries */
  readonly registry?: EnsureOptions['registry'] | undefined;
  readonly signal?: AbortSignal | undefined;
}

async function besideLibrary(): Promise<ImageStoreModule> {
  const { href } = new URL('./image-store.js', import.meta.url);
  try {
    return (await import(/* webpackIgnore: true */ /* @vite-ignore */ href)) as ImageStoreModule;
  } catch (cause) {
    throw new ImageError('ERR_IMAGE_NOT_FOUND', 'The image is not in the store.', {
      cause,
      hint: 'A bundle of the library cannot fetch it. Before the program starts: wasbox image pull REF',
    });
  }
}

const isNotStored = (error: unknown): boolean =>
  error instanceof ImageError && error.code === 'ERR_IMAGE_NOT_FOUND';

/**
 * What `resolve` says; where the image is not in the store it is fetched, and asked again.
 *
 * @throws ImageError where there is no such image, or it cannot be had
 */
export async function withImage<T>(
  { image, platform }: Pick<ResolveOptions, 'image' | 'platform'>,
  host: Pick<Host, 'cwd'>,
  resolve: () => T,
  { load = besideLibrary, ...rest }: FetchImage = {},
): Promise<T> {
  try {
    return resolve();
  } catch (error) {
    if (image === undefined || !isNotStored(error)) throw error;
  }
  const { ensureImage } = await load();
  const store: Store = openStore(loadNative().native);
  await ensureImage(image, { store, platform, cwd: host.cwd(), ...rest });
  return resolve();
}
