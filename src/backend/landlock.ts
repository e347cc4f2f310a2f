/**
 * The backend of Landlock, for machines without namespaces: a copy-on-write view is a copy in a private
 * root, a private view a directory there, and what else the payload may use is a grant of Landlock.
 * Nothing is shown under another name, so paths into those views are rewritten where wasbox itself knows them.
 */

import { posix } from 'node:path';
import { isWithin } from '../host/index.js';
import { spoken, spokenOption } from '../options/index.js';
import {
  isCopied,
  isKept,
  isReadOnly,
  ownDirectory,
  privateCopyName,
  privateHomeName,
  reachesHost,
  type SandboxSpec,
  type View,
} from '../resolve/index.js';
import {
  type Backend,
  cannotKeep,
  type Grant,
  type LoweredSpec,
  type PrivateDirectory,
  type PrivateRoot,
} from './backend.js';

/** The name that a place inside has on the host. */
type Rename = readonly [from: string, to: string];

/** Places of every Linux system that the views have in a form of their own. */
const always: readonly Grant[] = [
  // Other processes' memory, environment and descriptors stay closed: Landlock lets no one look out of its domain.
  { path: '/proc', access: 'list', directory: true },
  ...['null', 'zero', 'full', 'random', 'urandom', 'tty'].map(
    (name): Grant => ({ path: `/dev/${name}`, access: 'device', directory: false }),
  ),
];

const only = (what: string, hint: string) =>
  cannotKeep(`${what} is not available with Landlock isolation`, hint);

const elsewhere = 'Leave it out, or run wasbox where namespaces work: wasbox doctor says how.';

/** Options that need what only namespaces have. */
function refuseOptions(spec: SandboxSpec): void {
  if (spec.asking !== undefined) throw only(spokenOption('--ask'), elsewhere);
  if (spec.audit === true) throw only(spokenOption('--audit'), elsewhere);
  if (spec.network?.publish.length)
    throw only(
      spokenOption('--publish'),
      spoken`Listen at an address that a rule names: --net 127.0.0.1:8080`,
    );
  if (spec.continues !== undefined) throw only(spokenOption('--continue'), elsewhere);
}

/** The path of a hidden place in the copy that would have it; undefined where no view shows it. */
function leftOutOf(view: View, views: readonly View[]): string[] {
  return views.flatMap((other) =>
    other.type === 'hidden' && isWithin(other.target, view.target) && other.target !== view.target
      ? [other.target.slice(view.target.length + 1)]
      : [],
  );
}

const onlyMore =
  'Landlock can only allow more below a directory, not less. Mount the parts that are needed.';

/** Refuses a view that another one is shown in, since nothing can be shown over anything. */
function refuseNested(views: readonly View[]): void {
  const copies = views.filter(isCopied);
  const writable = views.filter(reachesHost);
  for (const view of views) {
    if (view.type === 'symlink' || view.type === 'directory') continue;
    const around = copies.find(
      ({ target }) => target !== view.target && isWithin(view.target, target),
    );
    if (around !== undefined && view.type !== 'hidden') {
      throw only(
        `a ${view.type === 'host' ? view.access : view.type} mount at ${view.target}, inside ${around.target},`,
        elsewhere,
      );
    }
    const open = writable.find(
      ({ target }) => target !== view.target && isWithin(view.target, target),
    );
    const kept = isCopied(view) || (isReadOnly(view) && view.origin === 'user');
    if (open !== undefined && kept) {
      const how = isCopied(view) ? 'copy-on-write' : 'read-only';
      throw only(`${view.target} ${how} inside ${open.target}`, onlyMore);
    }
    if (view.type !== 'hidden' || around !== undefined) continue;
    const shown = views.find(
      (other) => other.type === 'host' && !isCopied(other) && isWithin(view.target, other.target),
    );
    if (shown === undefined) continue;
    if (view.origin === 'state') {
      throw only(
        `${shown.target}, which contains wasbox's state directory ${view.target},`,
        'It holds the changes of other runs. Mount the parts that are needed, or set another: XDG_STATE_HOME=DIR',
      );
    }
    throw only(`hiding ${view.target} inside ${shown.target}`, onlyMore);
  }
}

function grantOf(spec: SandboxSpec, view: View): Grant | undefined {
  if (view.type !== 'host' || isCopied(view)) return undefined;
  const { source, target, directory, access, origin, lowers = [] } = view;
  if (target === '/' || lowers.length > 0) throw only(spokenOption('--image'), elsewhere);
  if (origin === 'cache')
    throw only(spoken`a cache of --for`, spoken`Use --net host without --for.`);
  if (origin === 'user' && source !== target) {
    throw only(
      `${source} at ${target}`,
      `Files keep their names: mount it at its own path, ${source}, or copy it into the working directory.`,
    );
  }
  const { privileged, home } = spec.identity;
  if (origin === 'user' && privileged && isWithin(source, home)) {
    throw only(
      `${source}, for root,`,
      `The program has an ID of its own, which cannot enter ${home}. Use a directory outside of it.`,
    );
  }
  return { path: source, access: access === 'write' ? 'write' : 'read', directory };
}

/** Returns the copies in the order of the run's layers: the working directory first. */
const copiesInOrder = (views: readonly View[]): View[] => {
  const copies = views.filter(isCopied);
  const first = copies.filter(({ origin }) => origin === 'workdir');
  return [...first, ...copies.filter((view) => !first.includes(view))];
};

/** The directory in the private root that stands for a view. */
function directoryOf(view: View, views: readonly View[]): string | undefined {
  if (isCopied(view)) return privateCopyName(copiesInOrder(views).indexOf(view));
  if (view.type !== 'private') return undefined;
  if (view.home === true) return privateHomeName;
  return view.target.startsWith('/run/') ? 'run' : 'tmp';
}

function privateDirectories(views: readonly View[]): PrivateDirectory[] {
  const found = new Map<string, PrivateDirectory>();
  for (const view of views) {
    const name = directoryOf(view, views);
    if (name === undefined) continue;
    const kept = isKept(view) ? view : undefined;
    found.set(name, { name, view: kept, leftOut: leftOutOf(view, views) });
  }
  for (const name of [privateHomeName, 'run', 'tmp']) {
    if (!found.has(name)) found.set(name, { name, leftOut: [] });
  }
  return [...found.values()];
}

function renamesOf(views: readonly View[], root: string): Rename[] {
  const renames = views.flatMap((view): Rename[] => {
    const name = directoryOf(view, views);
    return name === undefined ? [] : [[view.target, posix.join(root, name)]];
  });
  const kept = views.flatMap((view): Rename[] =>
    view.type === 'host' && !isCopied(view) ? [[view.target, view.source]] : [],
  );
  // Inner places first: a working directory or an interpreter in the home.
  return [...renames, ...kept, [ownDirectory, posix.join(root, 'run')] as const].sort(
    ([a], [b]) => b.length - a.length,
  );
}

function renamed(path: string, renames: readonly Rename[]): string {
  const found = renames.find(([from]) => isWithin(path, from));
  return found === undefined ? path : found[1] + path.slice(found[0].length);
}

/** Variables hold a path or, as PATH, several. */
function renamedEnv(
  spec: SandboxSpec,
  renames: readonly Rename[],
  root: string,
): Record<string, string> {
  const each = (text: string) =>
    text
      .split(':')
      .map((part) => (part.startsWith('/') ? renamed(part, renames) : part))
      .join(':');
  const env = Object.entries(spec.env).map(([name, value]) => [name, each(value)] as const);
  const home = posix.join(root, privateHomeName);
  return {
    ...Object.fromEntries(env),
    HOME: home,
    TMPDIR: posix.join(root, 'tmp'),
    XDG_RUNTIME_DIR: posix.join(root, 'run'),
    XDG_CACHE_HOME: posix.join(home, '.cache'),
    XDG_CONFIG_HOME: posix.join(home, '.config'),
    XDG_DATA_HOME: posix.join(home, '.local/share'),
    XDG_STATE_HOME: posix.join(home, '.local/state'),
  };
}

/** Words that the user typed as paths into a copied view, too: nothing else would find their changes. */
function renamedArgument(word: string, views: readonly View[], renames: readonly Rename[]): string {
  const known = [...views.filter(isCopied).map(({ target }) => target), ownDirectory];
  return known.some((target) => isWithin(word, target)) ? renamed(word, renames) : word;
}

function privateRoot(spec: SandboxSpec, path: string, renames: readonly Rename[]): PrivateRoot {
  const { views } = spec;
  const directories = privateDirectories(views);
  const own = directories.map(
    ({ name }): Grant => ({ path: posix.join(path, name), access: 'own', directory: true }),
  );
  const files = views.flatMap((view) => {
    if (view.type !== 'file') return [];
    if (view.covers === true) throw only(`a file in place of ${view.target}`, elsewhere);
    return [{ path: renamed(view.target, renames), entry: view }];
  });
  const grants = [...always, ...views.flatMap((view) => grantOf(spec, view) ?? []), ...own];
  return { path, directories, files, grants };
}

export const landlockBackend: Backend = {
  name: 'landlock',
  lower(spec: SandboxSpec, path = ''): LoweredSpec {
    const { views, command } = spec;
    refuseOptions(spec);
    const home = views.find((view) => isCopied(view) && view.origin === 'home');
    if (home !== undefined) {
      throw only(
        spoken`a copy of your home (--home cow, or a run in it)`,
        spoken`It would be copied as a whole. Use a directory in it: --workdir DIR`,
      );
    }
    const workdir = views.find((view) => isCopied(view) && view.origin === 'workdir');
    if (workdir === undefined || workdir.target === '/') {
      throw only(
        workdir === undefined
          ? 'a run without a copy-on-write directory'
          : 'the working directory /',
        spoken`The working directory is copied for the run. Choose a smaller one: --workdir DIR`,
      );
    }
    refuseNested(views);
    const renames = renamesOf(views, path);
    const argument = (word: string) => renamedArgument(word, views, renames);
    return {
      spec: {
        ...spec,
        command: {
          ...command,
          path: argument(command.path),
          argv: command.argv.map(argument),
        },
        realCwd: renamed(spec.realCwd, renames),
        env: renamedEnv(spec, renames, path),
      },
      namespaces: [],
      operations: [],
      privateRoot: privateRoot(spec, path, renames),
    };
  },
};
