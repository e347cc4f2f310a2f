/**
 * `--image`: an image of the store, or a directory (`dir:PATH`), whose tree is the root inside.
 *
 * Where something of the sandbox's own goes is a path inside, taken literally: init makes the mount points of
 * the root above the image's layers (addon/init/tree.c), so that no link of an image is on the way to one.
 */
import { posix } from 'node:path';
import { ImageError, UsageError } from '../errors/index.js';
import { type Host, isWithin, stateDirectory } from '../host/index.js';
import { type ImageConfig, imageConfig, readStoredImage } from '../image/index.js';
import {
  type ResolveOptions,
  shellQuote,
  splitMapping,
  spoken,
  spokenOption,
} from '../options/index.js';
import { holdsHome } from './homes.js';
import { type ImageUser, imageUser } from './image-user.js';
import type { HostView, ImageSpec, LowerDirectory } from './spec.js';
import { Tree } from './tree.js';
import { leadsOut, untrustedDirectories, untrustedLink } from './untrusted-link.js';

export interface ResolvedImage {
  /** The name in reports: the reference in full, or `dir:` and a canonical path. */
  readonly reference: string;
  /** Digest of its configuration, `sha256:…`; a directory has none. */
  readonly id?: string | undefined;
  readonly lock?: string | undefined;
  readonly config: ImageConfig;
  readonly user: ImageUser;
  /** The view that is the root. */
  readonly root: HostView;
}

export const imageSpec = ({ reference, id, lock }: ResolvedImage): ImageSpec => ({
  reference,
  ...(id === undefined ? {} : { id }),
  ...(lock === undefined ? {} : { lock }),
});

const directoryPrefix = 'dir:';

/** Returns whether the image is a directory of the host, not one of the store. */
export const isDirectoryImage = (image: string): boolean => image.startsWith(directoryPrefix);

const refuse = (message: string, hint: string) => new UsageError('ERR_PATH', message, { hint });

interface Found extends Pick<ResolvedImage, 'reference' | 'id' | 'lock' | 'config'> {
  readonly directories: readonly string[];
}

/**
 * @param workdir canonical path of the working directory
 * @throws ImageError where the image is not in the store
 * @throws UsageError where the directory cannot be one
 */
export function resolveImage(
  options: ResolveOptions,
  host: Host,
  workdir: string,
): ResolvedImage | undefined {
  const { image } = options;
  if (image === undefined) {
    refuseWithoutImage(options);
    return undefined;
  }
  const { directories, ...found } = isDirectoryImage(image)
    ? directoryImage(options, image, host, workdir)
    : storedImage(image, options.platform, host);
  const root = rootView(host, directories, options);
  const tree = new Tree(host);
  tree.add(root);
  const asRoot = options.root === true;
  return { ...found, root, user: imageUser(asRoot ? '0' : found.config.user, tree, host) };
}

function refuseWithoutImage({ platform, entrypoint }: ResolveOptions): void {
  const option =
    platform !== undefined ? '--platform' : entrypoint !== undefined ? '--entrypoint' : undefined;
  if (option === undefined) return;
  throw new UsageError('ERR_USAGE', spoken`${spokenOption(option)} needs --image`, {
    hint: spoken`Example: wasbox run --image python:3.13 script.py`,
  });
}

function storedImage(image: string, platform: string | undefined, host: Host): Found {
  const stored = readStoredImage(host, stateDirectory(host).directory, image, platform);
  if (stored === undefined) throw notStored(image, platform);
  const { lowers, ...found } = stored;
  return { ...found, directories: lowers };
}

function notStored(image: string, platform: string | undefined): ImageError {
  const of = platform === undefined ? '' : ` for ${platform}`;
  return new ImageError('ERR_IMAGE_NOT_FOUND', `${image}: this image is not in the store${of}`, {
    hint: `Get it: wasbox image pull ${platform === undefined ? '' : `--platform ${shellQuote(platform)} `}${shellQuote(image)}`,
  });
}

/** A tree that is unpacked already, as mmdebstrap and `umoci unpack` leave it. */
function directoryImage(
  options: ResolveOptions,
  image: string,
  host: Host,
  workdir: string,
): Found {
  const shown = spoken`--image ${image}`;
  const named = image.slice(directoryPrefix.length);
  const path = named === '' ? '' : posix.resolve(host.cwd() ?? '/', named);
  const source = path === '' ? undefined : host.files.realpath(path);
  if (source === undefined || host.files.stat(source)?.kind !== 'directory') {
    throw refuse(`${shown}: no such directory`, spoken`Example: --image dir:/srv/debian`);
  }
  const link = untrustedLink(host, path, untrustedDirectories(options, host, workdir));
  if (link)
    throw leadsOut('ERR_PATH', shown, link, spoken`--image ${shellQuote(`dir:${link.to}`)}`);
  const state = stateDirectory(host).directory;
  const what =
    source === '/'
      ? "this machine's own root"
      : holdsHome(host, source)
        ? 'a directory with your home in it'
        : isWithin(state, source) || isWithin(source, state)
          ? "a directory of wasbox's own"
          : isWithin(source, '/proc') || isWithin(source, '/sys') || isWithin(source, '/dev')
            ? 'a file system without ordinary files'
            : undefined;
  if (what !== undefined) {
    throw refuse(
      `${shown}: ${what} cannot be an image`,
      'Use a directory that holds a root file system and nothing else.',
    );
  }
  if (!host.files.access(source, 'enter')) {
    throw refuse(`${shown}: permission denied`, `Check it: ls -ld ${shellQuote(source)}`);
  }
  return { reference: `dir:${source}`, config: imageConfig({}), directories: [source] };
}

function rootView(
  host: Host,
  directories: readonly string[],
  options: Pick<ResolveOptions, 'cow'>,
): HostView {
  const [top, ...lowers] = directories.map((source): LowerDirectory => {
    const info = host.files.lstat(source);
    return {
      source,
      ...(info === undefined ? {} : { identity: { dev: info.dev, ino: info.ino } }),
    };
  });
  // An image without layers is an empty one: FROM scratch.
  if (top === undefined) {
    throw refuse('the image has no layers', 'Nothing in it could be executed.');
  }
  const writable = (options.cow ?? []).some(isRootMapping);
  const access = writable
    ? ({ access: 'copy-on-write', persistence: 'private' } as const)
    : ({ access: 'read', persistence: 'host' } as const);
  return { type: 'host', ...top, lowers, target: '/', directory: true, origin: 'image', ...access };
}

/** `--cow /`: with an image, its root. */
export function isRootMapping(mapping: NonNullable<ResolveOptions['cow']>[number]): boolean {
  const { path, dest } = typeof mapping === 'string' ? splitMapping(mapping) : mapping;
  return path === '/' && (dest === undefined || dest === '/');
}
