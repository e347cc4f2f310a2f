/**
 * Stage: changes. What the directory's own files make run from places of any name: git's
 * configuration names hooks, commands and further configuration, and a symbolic link whose name
 * would be held back leads to a file whose name would not.
 *
 * The host's files decide, as they are before anything is applied; a change to them is held back
 * itself. They may be as untrusted as the code: what they name is only ever held back, so that at
 * worst the user has to name it.
 */
import { readdirSync, readSync } from 'node:fs';
import { homedir } from 'node:os';
import { posix } from 'node:path';
import { errnoOf, isAbsent, openDirectory, openToRead, self, stateAt, withFd } from './fdtree.js';
import { configsElsewhere, textElsewhere } from './git-elsewhere.js';
import { runsLater } from './later.js';
import type { ChangesNative } from './model.js';
import { joinPath, splitPath } from './path.js';

/** Why, by the path as it is looked up: a byte a character, in lower case. */
export type Steered = ReadonlyMap<string, string>;

const byGit = 'the configuration of git here names it';
const byLink = 'a link whose name is held back leads to it';

/** Directories in which links of such names usually lie. */
const linkDirectories = ['', '.git', '.git/hooks', '.config'];
const maxConfigBytes = 1 << 18;
const maxConfigs = 20;

const keyOf = (path: string): string => path.toLowerCase();

/** The place in the tree that a path leads to from a directory of it; undefined where it is outside. */
function placeOf(directory: string, target: string, workdir: string): string | undefined {
  const absolute = target.startsWith('/');
  if (absolute && !`${target}/`.startsWith(`${workdir}/`)) return undefined;
  const parts = (absolute ? target.slice(workdir.length) : `${directory}/${target}`).split('/');
  const names: string[] = [];
  for (const part of parts) {
    if (part === '' || part === '.') continue;
    if (part !== '..') names.push(part);
    else if (names.pop() === undefined) return undefined;
  }
  return names.length === 0 ? undefined : names.join('/');
}

const namesOf = (path: string): Buffer[] => splitPath(Buffer.from(path, 'latin1'));

/** Uses a directory of the tree; undefined where there is none, or no right to read it. */
function inDirectory<T>(
  native: ChangesNative,
  root: number,
  names: readonly Buffer[],
  use: (fd: number) => T,
): T | undefined {
  const [name, ...rest] = names;
  try {
    return withFd(openDirectory(native, root, name ?? Buffer.from('.')), (fd) =>
      rest.length === 0 ? use(fd) : inDirectory(native, fd, rest, use),
    );
  } catch (error) {
    if (isAbsent(error) || ['EACCES', 'EXDEV'].includes(errnoOf(error))) return undefined;
    throw error;
  }
}

function readText(native: ChangesNative, host: number, path: string): string | undefined {
  const names = namesOf(path);
  const last = names.pop();
  if (last === undefined) return undefined;
  return inDirectory(native, host, names, (fd) =>
    withFd(openToRead(native, fd, last), (file) => {
      const bytes = Buffer.alloc(maxConfigBytes);
      let length = 0;
      for (let n = 1; n > 0 && length < bytes.length; length += n) {
        n = readSync(file, bytes, length, bytes.length - length, null);
      }
      return bytes.toString('latin1', 0, length);
    }),
  );
}

/** Keys whose whole value is a path, even where it does not look like one. */
const pathKeys = new Set(['hookspath', 'path', 'fsmonitor', 'attributesfile']);

/** What a configuration may mean as a path: each value, and each word of it that looks like one. */
function* pathsIn(text: string): Generator<{ readonly path: string; readonly include: boolean }> {
  for (const line of text.replace(/\\\r?\n/g, '').split('\n')) {
    const [, key = '', value = ''] =
      /^\s*(?:\[[^\]]*\]\s*)?([\w-]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    const plain = value.replace(/["'\\]/g, '');
    const isPath = pathKeys.has(key.toLowerCase());
    const words = [plain, ...plain.split(/[\s;!&|()=]+/)];
    for (const word of isPath ? [plain, plain.replace(/\s*[#;].*$/, '')] : words) {
      if (!isPath && !/[./]/.test(word)) continue;
      const path = word.startsWith('~/') ? `${homedir()}${word.slice(1)}` : word;
      yield { path, include: key.toLowerCase() === 'path' };
    }
  }
}

function addConfigured(
  native: ChangesNative,
  host: number,
  workdir: string,
  found: Map<string, string>,
): void {
  const pending = ['.git/config', '.git/config.worktree'];
  for (let at = 0; at < pending.length && at < maxConfigs; at++) {
    const config = pending[at] ?? '';
    const directory = config.slice(0, Math.max(0, config.lastIndexOf('/')));
    for (const { path, include } of pathsIn(readText(native, host, config) ?? '')) {
      // Only an include is looked for beside the file that it stands in.
      const place = placeOf(include ? directory : '', path, workdir);
      if (place === undefined) continue;
      found.set(keyOf(place), byGit);
      if (include && !pending.includes(place)) pending.push(place);
    }
  }
}

/** The same of configuration outside of the tree: of a worktree, a repository around it, the user. */
function addConfiguredElsewhere(workdir: string, found: Map<string, string>): void {
  const { paths, top } = configsElsewhere(workdir);
  const pending = [...paths];
  for (let at = 0; at < pending.length && at < maxConfigs; at++) {
    const config = pending[at] ?? '';
    for (const { path, include } of pathsIn(textElsewhere(config) ?? '')) {
      const absolute = posix.resolve(include ? posix.dirname(config) : top, path);
      if (include && !pending.includes(absolute)) pending.push(absolute);
      const place = placeOf('', absolute, workdir);
      if (place !== undefined) found.set(keyOf(place), byGit);
    }
  }
}

function addLinked(
  native: ChangesNative,
  host: number,
  workdir: string,
  found: Map<string, string>,
): void {
  for (const directory of linkDirectories) {
    inDirectory(native, host, namesOf(directory), (fd) => {
      for (const entry of readdirSync(self(fd), { encoding: 'buffer', withFileTypes: true })) {
        if (!entry.isSymbolicLink()) continue;
        const path = joinPath(Buffer.from(directory), entry.name);
        if (runsLater(path, false, false)?.level !== 'held') continue;
        const link = stateAt(fd, entry.name)?.link?.toString('latin1');
        const place = link === undefined ? undefined : placeOf(directory, link, workdir);
        if (place !== undefined) found.set(keyOf(place), byLink);
      }
    });
  }
}

/** What the files of the tree make run, wherever it lies. */
export function steeredPaths(native: ChangesNative, host: number, root: Buffer): Steered {
  const workdir = root.toString('latin1');
  const found = new Map<string, string>();
  addConfigured(native, host, workdir, found);
  addConfiguredElsewhere(workdir, found);
  addLinked(native, host, workdir, found);
  return found;
}

/** Why a path, or a directory that it lies in, runs later by one of these; undefined where none does. */
export function whySteered(steered: Steered, path: Buffer): string | undefined {
  if (steered.size === 0) return undefined;
  const key = keyOf(path.toString('latin1'));
  for (let end = key.indexOf('/'); end > 0; end = key.indexOf('/', end + 1)) {
    const why = steered.get(key.slice(0, end));
    if (why !== undefined) return why;
  }
  return steered.get(key);
}
