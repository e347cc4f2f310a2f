/**
 * Programs: found in the user's PATH, through shims, and made visible inside together
 * with the installation they belong to and the interpreters they need.
 */
import { posix } from 'node:path';
import { isWithin } from '../host/index.js';
import type { Draft } from './draft.js';
import { besideHome, showBesideHome } from './home-programs.js';
import { findInImage, isProgram } from './image-programs.js';
import { installationOf, knownRootOf } from './installations.js';
import { pathEntries } from './path-entries.js';
import { headLength, readShebang } from './shebang.js';
import { resolveShim } from './version-managers.js';

/** The program that PATH finds, behind any shim; undefined where there is none. */
export function findProgram(draft: Draft, program: string): string | undefined {
  const { host } = draft;
  if (draft.image !== undefined) return findInImage(draft, program);
  for (const directory of pathEntries(draft)) {
    const path = posix.join(directory, program);
    if (host.files.stat(path)?.kind !== 'file' || !host.files.access(path, 'execute')) continue;
    const shim = resolveShim({
      host,
      directory,
      program,
      start: draft.workdir.start.path,
      home: draft.identity.home,
    });
    if (shim === undefined) return path;
    if (shim !== 'system') return shim.path;
  }
  return undefined;
}

/**
 * The first word of the payload's argv for a program: its name, as a shell passes it, except where
 * PATH would lead from that name to a shim. Python looks for itself that way.
 */
export function firstWord(draft: Draft, program: string, path: string): string {
  if (draft.image !== undefined) return program;
  const direct = pathEntries(draft).find(
    (entry) => draft.host.files.stat(posix.join(entry, program))?.kind === 'file',
  );
  return direct !== undefined && posix.join(direct, program) === path ? program : path;
}

/**
 * Says on whose word a program is to be shown. What the user's PATH leads to, outside of the directory being sandboxed,
 * is `trusted`. A `#!` line or a link that comes with the untrusted files is not: it may lead into the tree of a known
 * tool, and to nothing else of home.
 */
export type Source = 'trusted' | 'untrusted';

/** Returns whether a program of PATH is the user's own choice, or came with the sandboxed directory. */
export function sourceOf(draft: Draft, path: string): Source {
  const inWorkdir = [draft.workdir.path, draft.workdir.name].some((top) => isWithin(path, top));
  return !inWorkdir && pathEntries(draft).includes(posix.dirname(path)) ? 'trusted' : 'untrusted';
}

/**
 * Shows a program and all that its start needs: each link on the way, the installation, the
 * interpreter of its `#!` line. Returns whether it is there inside.
 */
export function showProgram(
  draft: Draft,
  path: string,
  source = sourceOf(draft, path),
  depth = 0,
): boolean {
  if (draft.image !== undefined) return isProgram(draft, draft.tree.locate(path));
  const { files } = draft.host;
  for (let hop: string | undefined = path, hops = 0; hop !== undefined && hops < 16; hops++) {
    showFile(draft, hop, source);
    const parent: string = files.realpath(posix.dirname(hop)) ?? posix.dirname(hop);
    const real = posix.join(parent, posix.basename(hop));
    if (real !== hop) showFile(draft, real, source);
    const link: boolean = files.lstat(real)?.kind === 'symlink';
    hop = link ? posix.resolve(parent, files.readlink(real)) : undefined;
  }
  const place = draft.tree.locate(path);
  if (place.kind === undefined) return false;
  if (depth < 4) showInterpreterOf(draft, place.hostPath ?? path, source, depth);
  return true;
}

function showFile(draft: Draft, path: string, source: Source): void {
  if (draft.tree.locate(path).kind !== undefined) return;
  const found =
    source === 'trusted' ? installationOf(draft.host, path) : knownRootOf(draft.host, path);
  // If the run may install to a directory, the program alone is shown: it stands in the home.
  const inHome = found !== undefined && besideHome(draft, found) !== undefined;
  const root = inHome ? undefined : found;
  if (root === undefined) {
    if (source === 'untrusted' && !inHome) return;
    // Nothing tells what belongs to it: the file alone, never the directory around it.
    if (draft.host.files.lstat(path)?.kind !== 'symlink') draft.show(path, 'interpreter');
    else draft.tree.linkTo(path);
    return;
  }
  draft.show(root, 'interpreter');
  draft.tree.linkTo(path);
  showVenvBase(draft, root);
}

/** A virtual environment made with copies names the Python that it came from in a file only. */
function showVenvBase(draft: Draft, root: string): void {
  const bytes = draft.host.files.read(posix.join(root, 'pyvenv.cfg'), headLength);
  if (bytes === undefined) return;
  const home = /^home\s*=\s*(\/.*?)\s*$/m.exec(new TextDecoder().decode(bytes))?.[1];
  const base = home === undefined ? undefined : posix.join(home, 'python3');
  const source = isWithin(root, draft.workdir.path) ? 'untrusted' : 'trusted';
  if (base !== undefined && draft.tree.locate(base).kind === undefined) {
    showProgram(draft, base, source, 3);
  }
}

function showInterpreterOf(draft: Draft, hostPath: string, source: Source, depth: number): void {
  const head = draft.host.files.read(hostPath, headLength);
  const line = head === undefined ? undefined : readShebang(head);
  if (line === undefined) return;
  const path = line.env === undefined ? line.interpreter : findProgram(draft, line.env.program);
  if (!path?.startsWith('/')) return;
  // Trust is not passed on from a file that another user could have written.
  const from = isWithin(hostPath, draft.workdir.path) ? 'untrusted' : source;
  showProgram(draft, path, from === 'trusted' ? 'trusted' : sourceOf(draft, path), depth + 1);
}

/** Shows the tool trees of PATH and of an active virtual environment. */
export function showToolTrees(draft: Draft): void {
  const { env } = draft.host;
  const places = [...pathEntries(draft), env.VIRTUAL_ENV, env.CONDA_PREFIX, env.RUSTUP_HOME];
  for (const place of places) {
    if (!place?.startsWith('/') || draft.tree.locate(place).kind !== undefined) continue;
    if (showBesideHome(draft, place)) continue;
    const target = draft.host.files.realpath(place);
    if (target === undefined) continue;
    for (const path of new Set([place, target])) {
      if (draft.tree.locate(path).kind !== undefined) continue;
      const root = installationOf(draft.host, posix.join(path, 'x'));
      if (root === undefined) continue;
      draft.show(root, 'interpreter');
      showVenvBase(draft, root);
    }
    if (draft.tree.locate(target).kind !== undefined) draft.tree.linkTo(place);
  }
  showRustup(draft);
}

/** cargo's proxies in ~/.cargo/bin start programs in rustup's own tree. */
function showRustup(draft: Draft): void {
  const { env } = draft.host;
  const cargo = posix.join(env.CARGO_HOME ?? posix.join(draft.identity.home, '.cargo'), 'bin');
  const beside = besideHome(draft, cargo);
  const isShown = [cargo, beside].some(
    (path) => path && draft.tree.locate(path).kind !== undefined,
  );
  if (!isShown) return;
  const rustup = env.RUSTUP_HOME ?? posix.join(draft.identity.home, '.rustup');
  if (draft.host.files.stat(rustup)?.kind === 'directory') draft.show(rustup, 'interpreter');
}
