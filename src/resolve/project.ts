/**
 * The project that a directory is in: the tree that a run shows copy-on-write, so that a command works in a
 * subdirectory as it does outside, and `../y` is a change.
 *
 * Only directories are taken that belong to whom the directory belongs to, on the same file system, and none that holds
 * a home or that everybody may write to; only markers of the same user or root. What another user put above
 * (CVE-2022-24765), or anybody left in /tmp, decides nothing.
 */
import { posix } from 'node:path';
import type { FileInfo, Host } from '../host/index.js';
import { holdsHome } from './homes.js';

/** Says what makes a directory a project. */
export interface Project {
  /** Canonical. */
  readonly path: string;
  /** The file or directory that says so: `.git`, `Cargo.toml` … */
  readonly marker: string;
}

/** Files of a workspace, whose packages need each other; with what its file says where that is needed. */
const workspaces: readonly { readonly name: string; readonly says?: RegExp }[] = [
  { name: 'pnpm-workspace.yaml' },
  { name: 'go.work' },
  { name: 'MODULE.bazel' },
  { name: 'WORKSPACE' },
  { name: 'package.json', says: /"workspaces"\s*:/ },
  { name: 'Cargo.toml', says: /^\s*\[workspace[.\]]/m },
  { name: 'pyproject.toml', says: /^\s*\[tool\.uv\.workspace\]/m },
];

/** Files of a single package. */
const packages = ['package.json', 'pyproject.toml', 'Cargo.toml', 'go.mod'] as const;

/** S_IWOTH */
const everybodyWrites = 0o002;

/** A workspace says so near the beginning of its file. */
const limit = 65_536;

/** Directories upwards from a canonical path, its own first, that a project of its owner may begin in. */
function* candidates(host: Host, path: string, info: FileInfo): Generator<string> {
  for (let at = path; at !== '/'; at = posix.dirname(at)) {
    const here = at === path ? info : host.files.stat(at);
    if (here?.dev !== info.dev || here.uid !== info.uid || holdsHome(host, at)) return;
    if ((here.mode & everybodyWrites) !== 0 && at !== path) return;
    yield at;
  }
}

function workspaceMarker(
  host: Host,
  directory: string,
  found: readonly string[],
): string | undefined {
  return workspaces.find(({ name, says }) => {
    if (!found.includes(name)) return false;
    if (says === undefined) return true;
    const bytes = host.files.read(posix.join(directory, name), limit);
    return bytes !== undefined && says.test(new TextDecoder().decode(bytes));
  })?.name;
}

const names = [...new Set([...workspaces.map(({ name }) => name), ...packages])];

/**
 * The repository or worktree of git that a directory is in; or else the outermost workspace, or the nearest package.
 * @param path canonical
 */
export function findProject(host: Host, path: string, info: FileInfo): Project | undefined {
  const levels = [...candidates(host, path, info)];
  const own = (at: string, name: string): FileInfo | undefined => {
    const found = host.files.lstat(posix.join(at, name));
    return found?.uid === info.uid || found?.uid === 0 ? found : undefined;
  };
  const git = levels.find((at) => own(at, '.git') !== undefined);
  if (git !== undefined) return { path: git, marker: '.git' };
  let nearest: Project | undefined;
  let workspace: Project | undefined;
  for (const at of levels) {
    const found = names.filter((name) => own(at, name)?.kind === 'file');
    const [first] = found;
    if (first === undefined) continue;
    nearest ??= { path: at, marker: first };
    const marker = workspaceMarker(host, at, found);
    if (marker !== undefined) workspace = { path: at, marker };
  }
  return workspace ?? nearest;
}
