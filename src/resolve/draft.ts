/** The state that the steps of resolving share while a sandbox takes shape. */
import { posix } from 'node:path';
import type { Host } from '../host/index.js';
import { type ResolveOptions, spokenOption } from '../options/index.js';
import type { ProfilePlaces } from '../profile/index.js';
import type { ResolvedImage } from './image.js';
import type { IdentitySpec, ViewOrigin } from './spec.js';
import { type Place, Tree } from './tree.js';
import { type UntrustedLink, untrustedDirectories, untrustedLink } from './untrusted-link.js';
import { passedView } from './views.js';

/** The directory that the sandbox shows copy-on-write. */
export interface Workdir {
  /** Canonical path. */
  readonly path: string;
  /** The name by which the user knows it; a symlink may be on the way. */
  readonly name: string;
  readonly dev: bigint;
  readonly ino: bigint;
  readonly uid: number;
  /** Set if all users share it, as /tmp: the sandbox then has a directory of its own in its place. */
  readonly shared?: true | undefined;
  /** The marker that made it the one to show, where it was found around the current directory. */
  readonly marker?: string | undefined;
  /** The directory in it that the program starts in. */
  readonly start: {
    /** Canonical path. */
    readonly path: string;
    /** The path as the user knows it. */
    readonly name: string;
    /** True if it is the caller's current directory, so that relative names mean the same inside. */
    readonly isCurrent: boolean;
  };
}

export class Draft {
  readonly options: ResolveOptions;
  readonly host: Host;
  readonly identity: IdentitySpec;
  readonly workdir: Workdir;
  /** The image whose tree is the root; undefined where it is made of the host's system. */
  readonly image: ResolvedImage | undefined;
  readonly tree: Tree;
  readonly notes: string[] = [];
  /** True if a script or code of the user's runs, not a program of the image. */
  ofUser = false;
  /** The programs of packages that the run gets: where they are on this machine, and inside. */
  programs: { readonly source: string; readonly target: string } | undefined;
  readonly #places: ProfilePlaces;
  #untrusted: readonly string[] | undefined;

  /** @param places where the first items of each list among the options stand in a profile */
  constructor(
    options: ResolveOptions,
    host: Host,
    identity: IdentitySpec,
    workdir: Workdir,
    places: ProfilePlaces = {},
    image?: ResolvedImage,
  ) {
    this.options = options;
    this.host = host;
    this.identity = identity;
    this.workdir = workdir;
    this.image = image;
    this.tree = new Tree(host);
    if (image !== undefined) this.tree.add(image.root);
    this.#places = places;
  }

  /** How a message names an item of a list: by its option, or by its place in a profile. */
  named(option: string, property: 'ro' | 'rw' | 'cow' | 'socket', index: number): string {
    return this.#places[property]?.[index] ?? spokenOption(option);
  }

  /** The link of an untrusted directory by which an absolute path of the host leads out of it. */
  untrustedLink(path: string): UntrustedLink | undefined {
    this.#untrusted ??= untrustedDirectories(this.options, this.host, this.workdir.path);
    return untrustedLink(this.host, path, this.#untrusted);
  }

  /**
   * Where something of the sandbox's own goes that is known by `path`: there, with the host's links on the way.
   * An image's do not count: the mount point lies above them.
   */
  pointFor(path: string): string {
    return this.image === undefined ? this.tree.linkTo(path).path : path;
  }

  /** The path inside of a program that a package has. */
  packageProgram(name: string): string | undefined {
    if (this.programs === undefined) return undefined;
    const { source, target } = this.programs;
    const isThere = this.host.files.lstat(posix.join(source, name)) !== undefined;
    return isThere ? posix.join(target, name) : undefined;
  }

  note(text: string): void {
    if (!this.notes.includes(text)) this.notes.push(text);
  }

  /**
   * Shows a file or directory of the host read-only under its own name, unless it is there
   * already. Returns where it is inside; `kind` is undefined where it could not be shown.
   */
  show(path: string, origin: ViewOrigin): Place {
    const { files } = this.host;
    const place = this.tree.linkTo(path);
    if (place.kind !== undefined && place.hostPath !== undefined) return place;
    const source = files.realpath(path);
    const info = source === undefined ? undefined : files.stat(source);
    if (source === undefined || info === undefined) return place;
    if (!canHold(place)) return place;
    const identity = { dev: info.dev, ino: info.ino };
    const directory = info.kind === 'directory';
    this.tree.add(passedView(true, { source, target: place.path, directory, origin, identity }));
    return this.tree.locate(place.path);
  }
}

/**
 * Returns whether a mount point can be made at an empty place: not inside what belongs to the host, but above an image.
 */
export function canHold(place: Place): boolean {
  if (place.kind !== undefined) return place.mount?.type !== 'hidden';
  const { mount } = place;
  if (mount?.type === 'host') return mount.origin === 'image';
  return mount === undefined || mount.type === 'private' || mount.type === 'directory';
}
