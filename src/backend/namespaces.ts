/** The backend of namespaces and mounts: a view is a mount, and the root a tmpfs, a bind or an overlay. */
import { posix } from 'node:path';
import { isWithin } from '../host/index.js';
import { type HostView, isKept, layerOf, type SandboxSpec, type View } from '../resolve/index.js';
import { type Backend, cannotKeep, type LoweredSpec, type NamespaceName } from './backend.js';
import type { Operation } from './operation.js';

const names: readonly NamespaceName[] = ['mount', 'cgroup', 'uts', 'ipc', 'user', 'pid', 'net'];

/** The number that the plan has room for: WB_LOWERS_MAX of wire.h. */
const maxLowers = 128;

/** All namespaces, but the host's network where that was asked for; none with Landlock isolation. */
export function ownNamespaces({
  net,
  isolation,
}: Pick<SandboxSpec, 'net' | 'isolation'>): NamespaceName[] {
  if (isolation === 'landlock') return [];
  return names.filter((name) => name !== 'net' || net !== 'host');
}

function hostOperation(view: HostView, layer: string | undefined, inMemory: boolean): Operation {
  const { source, target, access, directory, origin, identity, lowers = [], persistence } = view;
  const dropped = origin === 'image' && access === 'copy-on-write' && persistence === 'private';
  if (!dropped && persistence !== (access === 'copy-on-write' ? 'kept' : 'host')) {
    throw cannotKeep(
      `${target}: writes to ${source} (${access}) cannot be ${persistence === 'kept' ? 'saved' : persistence}`,
      'Copy-on-write changes are saved with the run; other writes change the host. To drop them, discard the run afterwards.',
    );
  }
  // An image has an overlay in any case: it has room for mount points, which a bind has not.
  const stacked = lowers.length > 0 || origin === 'image';
  if (access !== 'copy-on-write' && !stacked) {
    const readOnly = access === 'read';
    return { type: 'bind', source, target, readOnly, directory, origin, identity };
  }
  if (!directory) {
    throw cannotKeep(
      `${target}: a single file cannot be copy-on-write or a stack of layers`,
      'Use the directory that contains it.',
    );
  }
  if (access === 'write') {
    throw cannotKeep(
      `${target}: a writable stack of directories needs a directory for the writes`,
      'Make it copy-on-write, or use a single directory.',
    );
  }
  if (lowers.length > maxLowers) {
    throw cannotKeep(
      `${target}: more than ${maxLowers + 1} directories in a stack`,
      'Merge some of them.',
    );
  }
  const overlay = { type: 'overlay', source, target, origin, identity } as const;
  return {
    ...overlay,
    ...(lowers.length > 0 ? { lowers } : {}),
    ...(access === 'read' ? { readOnly: true } : {}),
    ...(dropped || (inMemory && layer !== undefined) ? { inMemory: true } : {}),
    ...(layer === undefined ? {} : { layer }),
    ...(view.ownHome === true ? { home: true } : {}),
  };
}

function operationOf(view: View, layer: string | undefined, inMemory: boolean): Operation {
  switch (view.type) {
    case 'host':
      return hostOperation(view, layer, inMemory);
    case 'private': {
      const { target, mode, origin, home, host } = view;
      if (layer !== undefined && host === undefined) {
        throw cannotKeep(
          `${target}: a private directory of the sandbox cannot be saved`,
          'It belongs to no directory of the host. Mount one copy-on-write instead.',
        );
      }
      return {
        type: 'private',
        target,
        mode,
        origin,
        ...(layer === undefined ? {} : { layer }),
        ...(home === true ? { home } : {}),
      };
    }
    case 'hidden': {
      const { target, directory, origin } = view;
      return { type: 'hide', target, directory, ...(origin === undefined ? {} : { origin }) };
    }
    default:
      return view;
  }
}

/** Throws for entries that are made on an empty root, since they cannot be made on one of the host's. */
function refuseEntriesOn(root: HostView, views: readonly View[]): void {
  const inMemory = (target: string) =>
    views.some(
      (view) => view.type === 'private' && view.target !== target && isWithin(target, view.target),
    );
  for (const view of views) {
    const isEntry =
      view.type === 'directory' ||
      view.type === 'symlink' ||
      (view.type === 'file' && view.covers !== true);
    if (!isEntry || inMemory(view.target)) continue;
    throw cannotKeep(
      `${view.target}: cannot create a ${view.type} in ${root.source}, which is the root`,
      'Put it in a directory that the root has, or below a private one.',
    );
  }
}

/** The view that is the root comes first. Without one the root is empty. */
function rootFirst(views: readonly View[]): readonly View[] {
  const [root, ...more] = views.filter(({ target }) => posix.normalize(target) === '/');
  if (root === undefined) return views;
  if (more.length > 0) throw cannotKeep('more than one view is mounted at /', 'Use one.');
  if (root.type !== 'host' || root.access === 'write' || !root.directory) {
    const what = root.type === 'host' ? `${root.source} (${root.access})` : `a ${root.type} view`;
    throw cannotKeep(
      `/: ${what} cannot be the root`,
      'The root must be a directory of the host, read-only or copy-on-write. For an empty root, leave out its view.',
    );
  }
  const rest = views.filter((view) => view !== root);
  refuseEntriesOn(root, rest);
  return [root, ...rest];
}

export const namespaceBackend: Backend = {
  name: 'namespaces',
  lower(spec: SandboxSpec): LoweredSpec {
    const { maps, privileged } = spec.identity;
    if (maps !== undefined && !privileged) {
      throw cannotKeep(
        'only root can map several ranges of IDs',
        'An ordinary user can map a single ID.',
      );
    }
    const inMemory = spec.layersInMemory === true;
    if (inMemory && privileged) throw new TypeError("root's layers cannot be in memory");
    const { views } = spec;
    const operations = rootFirst(views).map((view) =>
      operationOf(view, isKept(view) ? layerOf(view, views) : undefined, inMemory),
    );
    return { spec, namespaces: ownNamespaces(spec), operations };
  },
};
