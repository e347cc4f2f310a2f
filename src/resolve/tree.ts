/**
 * A model of the sandbox's file tree while it is being put together. It answers what
 * a path means inside (symlinks included) without making anything, so that nothing is promised
 * that is not there: PATH entries, scripts, `--hide` targets, mount points.
 */
import { posix } from 'node:path';
import type { FileKind, Host } from '../host/index.js';
import type { HostView, View } from './spec.js';

/** Where a path leads inside. */
export interface Place {
  /** Canonical path inside, as far as it is known. */
  readonly path: string;
  /** The kind of what is there; undefined where nothing is. */
  readonly kind: FileKind | undefined;
  /** The host's file that is shown there, if it is one of the host's. */
  readonly hostPath: string | undefined;
  /** The mount that covers the path. */
  readonly mount: View | undefined;
}

/** Says what is at a path: a symlink's target, the host's file that is shown, the mount that shows it. */
interface Step {
  readonly kind: FileKind | undefined;
  readonly to?: string | undefined;
  readonly hostPath?: string | undefined;
  readonly mount?: View | undefined;
}

const root: Step = { kind: 'directory' };

const maxLinks = 40; // as the kernel: MAXSYMLINKS

export class Tree {
  private readonly host: Host;
  private readonly byTarget = new Map<string, View>();
  private listed: readonly View[] | undefined;
  /** Directories with a mount below them. */
  private readonly parents = new Set<string>();
  /** Kinds are cached: the same few directories are on the way to most places. */
  private readonly kinds = new Map<string, FileKind | undefined>();
  /** The directories of a root of several directories that are one at a path inside. */
  private readonly stacks = new Map<string, Stacked>();

  constructor(host: Host) {
    this.host = host;
  }

  /** Adds a mount; it replaces one with the same target. */
  add(mount: View): void {
    const { target } = mount;
    this.listed = undefined;
    this.byTarget.delete(target);
    this.byTarget.set(target, mount);
    for (let path = posix.dirname(target); !this.parents.has(path); path = posix.dirname(path)) {
      this.parents.add(path);
    }
  }

  at(target: string): View | undefined {
    return this.byTarget.get(target);
  }

  /** The mount that shows what is at a canonical path inside. */
  over(path: string): View | undefined {
    return this.byTarget.get(path) ?? this.cover(path);
  }

  /** All mounts, outer ones before those inside them, else in the order of adding. */
  list(): readonly View[] {
    this.listed ??= this.makeList();
    return this.listed;
  }

  private makeList(): View[] {
    const byDepth: View[][] = [];
    for (const mount of this.byTarget.values()) {
      const depth = mount.target.split('/').length;
      const same = byDepth[depth];
      if (same === undefined) byDepth[depth] = [mount];
      else same.push(mount);
    }
    return byDepth.flat();
  }

  /** Follows `path` (absolute) inside, as the payload's kernel would. */
  locate(path: string): Place {
    return this.walk(path, false);
  }

  /**
   * Makes every symlink on the way to the host's `path` exist inside, so that the name the user
   * knows works there; adds nothing else. Returns where `path` leads inside.
   */
  linkTo(path: string): Place {
    return this.walk(path, true);
  }

  private walk(path: string, addLinks: boolean): Place {
    let pending = partsOf(path);
    let current = '/';
    let step: Step | undefined = root; // of `current`
    let over = this.byTarget.get('/'); // what shows `current`
    for (let links = 0; pending.length > 0; ) {
      const name = pending.shift() ?? '';
      if (name === '..') {
        current = posix.dirname(current);
        over = this.over(current);
        step = undefined;
        continue;
      }
      const next = current === '/' ? `/${name}` : `${current}/${name}`;
      let found = this.look(next, over);
      if (found.kind === undefined && addLinks) found = this.addLink(next, found);
      if (found.kind === 'symlink' && found.to !== undefined) {
        if (++links > maxLinks) return this.lost(next, found);
        const absolute = found.to.startsWith('/');
        if (absolute) {
          current = '/';
          over = this.byTarget.get('/');
        }
        step = absolute ? root : undefined; // a link that was added has changed what is there
        pending = [...partsOf(found.to), ...pending];
        continue;
      }
      current = next;
      step = found;
      over = found.mount ?? over;
      if (found.kind === undefined && !addLinks) {
        return this.lost(posix.join(current, ...pending), found);
      }
    }
    step ??= current === '/' ? root : this.look(current, over);
    return { path: current, kind: step.kind, hostPath: step.hostPath, mount: step.mount };
  }

  private lost(path: string, step: Step): Place {
    return { path, kind: undefined, hostPath: undefined, mount: step.mount };
  }

  /** A symlink of the host at `path`, made where the sandbox has room for it. */
  private addLink(path: string, step: Step): Step {
    const cover = step.mount;
    if (cover !== undefined && cover.type !== 'private') return step;
    if (this.kindOf(path) !== 'symlink') return step;
    const to = this.host.files.readlink(path);
    this.add({ type: 'symlink', target: path, to });
    return { kind: 'symlink', to };
  }

  /** Returns what is at a path whose parents are canonical; `cover` shows what has no mount of its own there. */
  private look(path: string, cover: View | undefined): Step {
    const exact = this.byTarget.get(path);
    if (exact !== undefined) return exactStep(exact);
    const shown = cover?.type === 'host' ? this.shownAt(cover, path) : undefined;
    if (shown !== undefined) return shown;
    // Init makes it as a directory.
    return { kind: this.parents.has(path) ? 'directory' : undefined, mount: cover };
  }

  /** Returns what a view of the host has at a path; undefined where that is nothing. */
  private shownAt(mount: HostView, path: string): Step | undefined {
    const inImage = mount.origin === 'image';
    const { kind, hostPath } = inImage ? this.stackedAt(mount, path) : this.hostAt(mount, path);
    // A mount point lies above the image's layers.
    if (kind === undefined || (inImage && kind !== 'directory' && this.parents.has(path))) {
      return undefined;
    }
    return kind === 'symlink'
      ? { kind, to: this.host.files.readlink(hostPath), mount }
      : { kind, hostPath, mount };
  }

  private hostAt({ source, target }: HostView, path: string) {
    const rest = target === '/' ? path : path.slice(target.length);
    const hostPath = source === '/' ? rest : `${source}${rest}`;
    return { kind: this.kindOf(hostPath), hostPath };
  }

  /**
   * Returns what overlayfs shows of the directories of an image: of a directory all that have it, down to the first
   * that is opaque, or has something else there. A whiteout is a device, and the only one that the store makes.
   */
  private stackedAt(root: HostView, path: string): Stacked {
    const known = this.stacks.get(path);
    if (known !== undefined) return known;
    const parents =
      path === '/'
        ? [root, ...(root.lowers ?? [])].map(({ source }) => source)
        : this.stackedAt(root, posix.dirname(path)).directories;
    const found = path === '/' ? directoriesOf(parents) : this.merged(parents, path);
    this.stacks.set(path, found);
    return found;
  }

  private merged(parents: readonly string[], path: string): Stacked {
    const directories: string[] = [];
    for (const [at, parent] of parents.entries()) {
      const hostPath = posix.join(parent, posix.basename(path));
      const kind = this.kindOf(hostPath);
      if (kind === undefined) continue;
      if (kind === 'directory') {
        directories.push(hostPath);
        if (at + 1 < parents.length && this.host.files.isOpaque(hostPath)) break;
      } else if (directories.length > 0 || kind === 'other') break;
      else return { kind, hostPath, directories };
    }
    return directoriesOf(directories);
  }

  private kindOf(hostPath: string): FileKind | undefined {
    if (this.kinds.has(hostPath)) return this.kinds.get(hostPath);
    const kind = this.host.files.lstat(hostPath)?.kind;
    this.kinds.set(hostPath, kind);
    return kind;
  }

  private cover(path: string): View | undefined {
    for (let parent = path; parent !== '/'; ) {
      parent = posix.dirname(parent);
      const mount = this.byTarget.get(parent);
      if (mount !== undefined) return mount;
    }
    return undefined;
  }
}

const partsOf = (path: string): string[] =>
  path.split('/').filter((part) => part !== '' && part !== '.');

/** Says what is at a path of an image, and the directories that are merged there. */
interface Stacked {
  readonly kind: FileKind | undefined;
  readonly hostPath: string;
  readonly directories: readonly string[];
}

const directoriesOf = (directories: readonly string[]): Stacked => ({
  kind: directories.length > 0 ? 'directory' : undefined,
  hostPath: directories[0] ?? '',
  directories,
});

function exactStep(mount: View): Step {
  switch (mount.type) {
    case 'symlink':
      return { kind: 'symlink', to: mount.to, mount };
    case 'host':
      return { kind: mount.directory ? 'directory' : 'file', hostPath: mount.source, mount };
    case 'hidden':
      return { kind: mount.directory ? 'directory' : 'file', mount };
    case 'file':
      return { kind: 'file', mount };
    case 'device':
      return { kind: 'other', mount };
    default:
      return { kind: 'directory', mount };
  }
}
