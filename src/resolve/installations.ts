/**
 * Finds which part of home belongs to an installed program, so that this part, and nothing else of home, is shown.
 * Roots are known layouts; elsewhere a marker file tells, else one file.
 */
import { posix } from 'node:path';
import type { Host } from '../host/index.js';
import { isWithin } from '../host/index.js';
import { homesOf } from './homes.js';

export interface ToolRoot {
  /** Variable that moves it, which the payload keeps when the root is shown. */
  readonly variable?: string;
  /** The directory below home, where no variable moves it. */
  readonly home?: string;
  /** Part of the root that is shown; all of it where absent. */
  readonly parts?: readonly string[];
}

/** Trees of version managers and installers. None of them keeps credentials in the part shown. */
export const toolRoots: readonly ToolRoot[] = [
  { variable: 'PYENV_ROOT', home: '.pyenv' },
  { variable: 'RBENV_ROOT', home: '.rbenv' },
  { variable: 'NODENV_ROOT', home: '.nodenv' },
  { variable: 'GOENV_ROOT', home: '.goenv' },
  { variable: 'NVM_DIR', home: '.nvm' },
  { variable: 'ASDF_DATA_DIR', home: '.asdf' },
  { variable: 'ASDF_DIR' },
  { variable: 'MISE_DATA_DIR', home: '.local/share/mise', parts: ['installs', 'shims'] },
  { variable: 'RUSTUP_HOME', home: '.rustup' },
  { variable: 'CARGO_HOME', home: '.cargo', parts: ['bin'] }, // credentials.toml lies beside it
  { variable: 'VOLTA_HOME', home: '.volta' },
  { variable: 'FNM_DIR', home: '.local/share/fnm' },
  { home: '.local/share/uv', parts: ['python', 'tools'] }, // credentials/ lies beside them
  { home: '.local/share/pipx', parts: ['venvs'] },
  { home: '.local/pipx', parts: ['venvs'] },
  { home: '.local/share/pnpm' },
  { home: '.local/bin' },
  { variable: 'BUN_INSTALL', home: '.bun', parts: ['bin'] },
  { variable: 'DENO_INSTALL', home: '.deno', parts: ['bin'] },
  { variable: 'SDKMAN_DIR', home: '.sdkman', parts: ['candidates'] },
  { home: '.ghcup', parts: ['bin', 'ghc'] },
  { home: 'go', parts: ['bin'] },
];

/** Roots on this machine; absent ones included. */
function rootsOn(host: Host): string[] {
  const roots: string[] = [];
  for (const { variable, home, parts } of toolRoots) {
    const moved = variable === undefined ? undefined : host.env[variable];
    const bases = moved?.startsWith('/')
      ? [posix.resolve(moved)]
      : home === undefined
        ? []
        : homesOf(host).map((directory) => posix.join(directory, home));
    for (const base of bases) {
      roots.push(...(parts === undefined ? [base] : parts.map((part) => posix.join(base, part))));
    }
  }
  return roots;
}

/** The tree of a known tool that holds `path`; undefined if it is in none. */
export function knownRootOf(host: Host, path: string): string | undefined {
  const root = rootsOn(host).find((candidate) => isWithin(path, candidate));
  return root === undefined || isTooMuch(host, root) ? undefined : root;
}

/** The known tree that holds `path`, or a directory with an installation's marker; else undefined. */
export function installationOf(host: Host, path: string): string | undefined {
  return knownRootOf(host, path) ?? markedParent(host, path);
}

/** Files that say: the directory that holds me is one installation, with nothing personal in it. */
const markers = ['pyvenv.cfg', 'conda-meta', 'lib/node_modules', 'lib/python3'];

/** The outermost directory of packages that holds a path: programs of node_modules/.bin load files of others. */
function packagesOf(path: string): string | undefined {
  const end = path.indexOf('/node_modules/');
  return end < 0 ? undefined : path.slice(0, end + '/node_modules'.length);
}

function markedParent(host: Host, path: string): string | undefined {
  const packages = packagesOf(path);
  if (packages !== undefined && !isTooMuch(host, packages)) return packages;
  for (let parent = posix.dirname(path); parent !== '/'; parent = posix.dirname(parent)) {
    if (isTooMuch(host, parent)) return undefined;
    for (const marker of markers) {
      if (host.files.lstat(posix.join(parent, marker)) !== undefined) return parent;
    }
  }
  return undefined;
}

const shared = ['.local', '.local/share', '.local/lib', '.config', '.cache', '.ssh', '.gnupg'];

/** Returns whether a tree is home, holds it, or is one that programs share with personal data. */
function isTooMuch(host: Host, root: string): boolean {
  return homesOf(host).some((home) => {
    const real = host.files.realpath(home) ?? home;
    return [home, real].some(
      (directory) =>
        isWithin(directory, root) || shared.some((name) => root === posix.join(directory, name)),
    );
  });
}
