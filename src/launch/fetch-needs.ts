/** Fetches what a run names and is not here yet: an image, which is fetched as `docker run` does it, and packages. */
import { openStore, type Store } from '../changes/index.js';
import { ImageError } from '../errors/index.js';
import type { Host } from '../host/index.js';
import type { EnsureOptions } from '../image-store/index.js';
import { loadNative } from '../native/index.js';
import type { ResolveOptions } from '../options/index.js';
import { MissingPackages } from '../resolve/index.js';
import { installPackages } from './packages.js';

/** The part of wasbox that reads archives and registries: a file of its own, since few runs need it. */
export type ImageStoreModule = Pick<typeof import('../image-store/index.js'), 'ensureImage'>;

export interface FetchNeeds {
  /** @default the file beside the library's */
  readonly load?: (() => Promise<ImageStoreModule>) | undefined;
  readonly onProgress?: EnsureOptions['onProgress'] | undefined;
  /** @default the user's own configuration of registries */
  readonly registry?: EnsureOptions['registry'] | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called with lines of progress while packages are installed. */
  readonly onInstall?: ((text: string) => void) | undefined;
  /** Called before what was missing is asked for again. */
  readonly beforeAgain?: (() => void) | undefined;
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
 * Returns what `resolve` says; where an image is not in the store, or packages are not installed, they are brought,
 * and it is asked again.
 *
 * @throws ImageError where there is no such image, or it cannot be had
 * @throws SupportError where packages cannot be installed
 */
export async function withNeeds<T>(
  options: ResolveOptions,
  host: Pick<Host, 'cwd'>,
  resolve: () => T,
  { load = besideLibrary, onInstall, beforeAgain, ...rest }: FetchNeeds = {},
): Promise<T> {
  const { image, platform } = options;
  try {
    return resolve();
  } catch (error) {
    if (error instanceof MissingPackages) {
      await installPackages(error.set, options, onInstall);
      beforeAgain?.();
      return resolve();
    }
    if (image === undefined || !isNotStored(error)) throw error;
  }
  const { ensureImage } = await load();
  const store: Store = openStore(loadNative().native);
  await ensureImage(image, { store, platform, cwd: host.cwd(), ...rest });
  beforeAgain?.();
  return resolve();
}
