/** The part of wasbox that fetches and unpacks images, which Node runs: the engine has no network. */
import type { EnsureOptions } from '../image-store/index.js';
import { displayText } from '../text/index.js';
import { shortSize } from './columns.js';
import { nodeModule } from './node-module.js';
import { err } from './terminal.js';

export type ImageStoreModule = typeof import('../image-store/index.js');

export const imageStore = (): Promise<ImageStoreModule> =>
  nodeModule<ImageStoreModule>('images', 'image-store.js');

export const shortId = (id: string): string => id.slice('sha256:'.length, 'sha256:'.length + 12);

const stages = {
  download: 'downloading',
  resume: 'resuming',
  unpack: 'unpacking',
  wait: 'waiting for another wasbox with',
  present: 'have',
} as const;

/** Says which layer it is at, a line each. */
export const tellLayers =
  (say: (text: string) => void): NonNullable<EnsureOptions['onProgress']> =>
  ({ stage, diffId, size }) => {
    const bytes = size === undefined ? '' : ` ${shortSize(size)}`;
    say(`wasbox: ${stages[stage]} layer ${shortId(diffId)}${bytes}\n`);
  };

/** Says which mirror or registry was passed over, and why. */
export const tellPassedOver =
  (say: (text: string) => void) =>
  (host: string, problem: string): void =>
    say(`wasbox: ${displayText(host)} passed over: ${displayText(problem)}\n`);

/** How a run brings what is not here yet: an image, packages. */
export const fetchImage = (quiet: boolean) => ({
  load: imageStore,
  ...(quiet
    ? {}
    : {
        onProgress: tellLayers(err),
        registry: { onPassedOver: tellPassedOver(err) },
        onInstall: (text: string): void => err(`wasbox: ${displayText(text)}\n`),
      }),
});
