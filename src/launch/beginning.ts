/** Every start of the library's begins here: streams for the sandbox, and the spec of its options. */
import { loadNative } from '../native/index.js';
import type { ResolveOptions } from '../options/index.js';
import { resolveWithCache, type SandboxSpec } from '../resolve/index.js';
import { type Channels, closeChannels, closeGiven, openChannels } from './channel.js';
import { descriptorsError } from './descriptors.js';
import { withNeeds } from './fetch-needs.js';
import type { Stdio } from './options.js';
import type { PinnedImage } from './pinned-image.js';
import { repeatedHost } from './repeated-host.js';

/**
 * Opens streams for a sandbox that `use` starts. The payload's ends are closed here when it has them, and this process's
 * where it fails.
 * @throws LaunchError ERR_DESCRIPTORS
 */
export async function withChannels<T>(
  targets: Stdio,
  use: (channels: Channels) => Promise<T>,
): Promise<T> {
  const channels = openChannels(targets);
  try {
    return await use(channels);
  } catch (error) {
    closeChannels(channels);
    throw descriptorsError(error);
  } finally {
    closeGiven(channels);
  }
}

/** The image and the signal with which options are resolved. */
export interface ResolvedFor {
  /** That of the pool which the sandbox is for. */
  readonly image?: PinnedImage | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The spec of a sandbox with these streams, when what it names and was not here has been brought. */
export function resolveFor(
  options: ResolveOptions,
  streams: readonly Pick<Channels[number], 'fd' | 'kind'>[],
  { image, signal }: ResolvedFor = {},
): Promise<SandboxSpec> {
  const { native } = loadNative();
  const fds = streams.map(({ fd }) => fd) as unknown as readonly [number, number, number];
  const kinds = streams.map(({ kind }) => kind);
  const host = repeatedHost(native, fds, kinds);
  const resolve = (from: ResolveOptions): Promise<SandboxSpec> =>
    withNeeds(from, host, () => resolveWithCache(from, host), { signal });
  return image === undefined ? resolve(options) : image.resolve(options, resolve);
}
