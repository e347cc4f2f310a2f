/**
 * Git directories of any name: git takes a directory for one by what is in it, and
 * then runs what its configuration and hooks say. The parts may come one by one, from several runs.
 *
 * See gitrepository-layout(5), and is_git_directory() in git's setup.c for what git asks for: HEAD,
 * objects and refs. HEAD may lie elsewhere, in a directory whose `commondir` leads here.
 */
import { readdirSync } from 'node:fs';
import { canonicalName } from '../files/canonical-name.js';
import { errnoOf, openDirectory, self, withFd } from '../files/fdtree.js';
import { readText } from '../files/host-text.js';
import type { Names } from '../files/path.js';
import { type Found, type MergedTree, onHost } from '../merged-tree/tree.js';
import type { FileState } from '../model/index.js';
import { gitCommands } from './match.js';

/** The names that a directory has on the host or in the layer, as a file system that folds them sees them. */
function namesIn(tree: MergedTree, directory: Names): ReadonlySet<string> {
  const { native, host, layer } = tree;
  const path = Buffer.from(directory.join('/'), 'latin1');
  const found = new Set<string>();
  for (const open of [
    () => openDirectory(native, host, path.length === 0 ? Buffer.from('.') : path),
    () => layer.openPath(path),
  ]) {
    try {
      withFd(open(), (fd) => {
        for (const name of readdirSync(self(fd), 'latin1')) found.add(canonicalName(name));
      });
    } catch (error) {
      errnoOf(error); // there is none, or none that can be read
    }
  }
  return found;
}

/** Whether a directory will have what makes git take it for a repository. */
function willBeGit(tree: MergedTree, directory: Names): boolean {
  const key = directory.join('/');
  let known = tree.gitDirectories.get(key);
  if (known === undefined) {
    const found = namesIn(tree, directory);
    known = found.has('objects') && found.has('refs');
    tree.gitDirectories.set(key, known);
  }
  return known;
}

/** Whether git runs what the path names once its directory, or that above, is a git directory. */
export function inGitDirectory(tree: MergedTree, path: Names): boolean {
  const [name = '', parent] = [path.at(-1), path.at(-2)].map((one = '') => canonicalName(one));
  const deeper = parent === 'hooks' || (parent === 'info' && name === 'attributes');
  if (!deeper && !gitCommands.includes(name)) return false;
  return willBeGit(tree, path.slice(0, deeper ? -2 : -1));
}

/** Whether git may enter it: a directory, or whatever has its bits, or a link to one. */
const opens = (state: Found): boolean =>
  typeof state === 'object' && (state.type === 'symlink' || (state.mode & 0o111) !== 0);

/** Whether git takes the host's HEAD for one. */
function hasHead(tree: MergedTree, directory: Names): boolean {
  const path = [...directory, 'HEAD'];
  const state = onHost(tree, path);
  if (typeof state !== 'object') return false;
  const text = state.link?.toString('latin1') ?? readText(tree.native, tree.host, path)?.text ?? '';
  return state.link !== undefined
    ? text.startsWith('refs/')
    : /^(?:ref:\s*refs\/|[0-9a-f]{40})/.test(text);
}

/** Whether the host's directory has configuration or hooks, which run once git takes it for its own. */
function hasCommands(tree: MergedTree, directory: Names): boolean {
  return gitCommands.some((name) => {
    const path = [...directory, name];
    const state = onHost(tree, path);
    if (name !== 'hooks' || state === undefined) return state !== undefined;
    if (typeof state === 'string' || state.type !== 'directory') return true;
    try {
      const bytes = Buffer.from(path.join('/'), 'latin1');
      return withFd(openDirectory(tree.native, tree.host, bytes), (fd) =>
        readdirSync(self(fd)).some((hook) => !hook.endsWith('.sample')),
      );
    } catch (error) {
      errnoOf(error); // closed to this user, not to git once it is opened again
      return true;
    }
  });
}

/**
 * Whether a change completes a git directory: HEAD, objects or refs, where the host has the
 * configuration or the hooks of it already.
 */
export function completesGit(tree: MergedTree, path: Names, after: FileState): boolean {
  const name = canonicalName(path.at(-1) ?? '');
  if (name !== 'head' && name !== 'objects' && name !== 'refs') return false;
  const directory = path.slice(0, -1);
  const [objects, refs] = ['objects', 'refs'].map((part) => onHost(tree, [...directory, part]));
  const had = name === 'head' ? hasHead(tree, directory) : opens(name === 'refs' ? refs : objects);
  if (had || (name === 'head' && after.type === 'directory')) return false;
  return willBeGit(tree, directory) && hasCommands(tree, directory);
}
