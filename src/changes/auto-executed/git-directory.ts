/**
 * Git directories of any name: git recognises one by its contents, and then runs its hooks and the
 * commands in its configuration. The parts may come one by one, from several runs.
 *
 * See gitrepository-layout(5), and is_git_directory() in git's setup.c, which checks for HEAD, objects and
 * refs. HEAD may be in another directory whose `commondir` points here.
 */
import { readdirSync } from 'node:fs';
import { canonicalName } from '../files/canonical-name.js';
import { errnoOf, openDirectory, self, withFd } from '../files/fdtree.js';
import { readText } from '../files/host-text.js';
import type { Names } from '../files/path.js';
import { type Found, type MergedTree, onHost } from '../merged-tree/tree.js';
import type { FileState } from '../model/index.js';
import { gitCommands } from './match.js';

/** The canonical names in a directory, on the host and in the layer. */
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
      errnoOf(error); // does not exist or cannot be read
    }
  }
  return found;
}

/** Returns whether git will recognise a directory as a repository. */
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

/** Returns whether the path is one that git runs or reads commands from, in a git directory. */
export function inGitDirectory(tree: MergedTree, path: Names): boolean {
  const [name = '', parent] = [path.at(-1), path.at(-2)].map((one = '') => canonicalName(one));
  const deeper = parent === 'hooks' || (parent === 'info' && name === 'attributes');
  if (!deeper && !gitCommands.includes(name)) return false;
  return willBeGit(tree, path.slice(0, deeper ? -2 : -1));
}

/** Returns whether git accepts it as a directory: it only checks for search permission. */
const opens = (state: Found): boolean =>
  typeof state === 'object' && (state.type === 'symlink' || (state.mode & 0o111) !== 0);

/** Returns whether git accepts the host's HEAD. */
function hasHead(tree: MergedTree, directory: Names): boolean {
  const path = [...directory, 'HEAD'];
  const state = onHost(tree, path);
  if (typeof state !== 'object') return false;
  const text = state.link?.toString('latin1') ?? readText(tree.native, tree.host, path)?.text ?? '';
  return state.link !== undefined
    ? text.startsWith('refs/')
    : /^(?:ref:\s*refs\/|[0-9a-f]{40})/.test(text);
}

/** Returns whether the host's directory has configuration or hooks, which git would run. */
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
      errnoOf(error); // not accessible now; it may be later
      return true;
    }
  });
}

/**
 * Returns whether a change completes a git directory: it adds HEAD, objects or refs where the host already has
 * configuration or hooks.
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
