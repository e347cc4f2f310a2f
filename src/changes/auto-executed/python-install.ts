/**
 * The Python that a virtual environment says it is of, on the host: whether the user has it to run, and what its venv
 * module writes. The environment is the run's; nothing of it is trusted but what is compared with this.
 */
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { posix } from 'node:path';
import { errnoOf } from '../files/fdtree.js';
import type { MergedTree } from '../merged-tree/tree.js';
import { homeDirectory } from './home-links.js';
import { placeInTree } from './other-paths.js';
import { pathDirectories } from './path-directories.js';

/** Directories of interpreters beside those of PATH. */
const systemPrograms: readonly string[] = ['/usr/bin', '/usr/local/bin', '/bin'];

/** Version managers have a directory for each interpreter in these, below a home or below what a variable names. */
const ofHome: readonly string[] = [
  '.pyenv/versions',
  '.asdf/installs/python',
  '.local/share/uv/python',
  '.local/share/mise/installs/python',
];
const ofVariables: readonly (readonly [variable: string, below: string])[] = [
  ['PYENV_ROOT', 'versions'],
  ['ASDF_DATA_DIR', 'installs/python'],
  ['ASDF_DIR', 'installs/python'],
  ['MISE_DATA_DIR', 'installs/python'],
  ['UV_PYTHON_INSTALL_DIR', ''],
];
/** Managers have them beside their `shims`, too, which the user has in PATH. */
const besideShims: readonly string[] = ['versions', 'installs/python'];

const bytesOf = (path: string): Buffer => Buffer.from(path, 'latin1');
const latin1 = (path: string): string => Buffer.from(path).toString('latin1');

function quietly<T>(use: () => T): T | undefined {
  try {
    return use();
  } catch (error) {
    errnoOf(error); // missing or not accessible
    return undefined;
  }
}

/** Resolves one of the host's paths; undefined if it leads nowhere. */
export const realOf = (path: string): string | undefined =>
  quietly(() => realpathSync(bytesOf(path), { encoding: 'buffer' }).toString('latin1'));

/** One of the host's files; undefined if there is none. */
export const fileOf = (path: string): Buffer | undefined =>
  quietly(() => readFileSync(bytesOf(path)));

const isFile = (path: string): boolean => quietly(() => statSync(bytesOf(path)).isFile()) === true;

/** The home of the user's account, which HOME need not name. */
function homeOfAccount(): string | undefined {
  try {
    return realOf(latin1(userInfo().homedir));
  } catch {
    return undefined; // the user has no account
  }
}

/** The directories in which version managers of the user have a directory for each interpreter. */
function managedDirectories(): readonly string[] {
  const homes = [homeDirectory(), homeOfAccount()].filter((home) => home !== undefined);
  return [
    ...homes.flatMap((home) => ofHome.map((below) => posix.join(home, below))),
    ...ofVariables.flatMap(([variable, below]) => {
      const named = process.env[variable];
      return named?.startsWith('/') ? [posix.join(latin1(named), below)] : [];
    }),
    ...[...pathDirectories()]
      .filter((directory) => posix.basename(directory) === 'shims')
      .flatMap((shims) => besideShims.map((below) => posix.join(shims, '..', below))),
  ].map((directory) => directory.replace(/(?<=.)\/$/, ''));
}

/** Returns whether the user runs programs from a directory, and the run could not write there. */
function isOwn(tree: MergedTree, directory: string): boolean {
  if (posix.normalize(directory) !== directory || !directory.startsWith('/')) return false;
  const real = realOf(directory);
  if (real === undefined || placeInTree(tree, directory) !== undefined) return false;
  const known = [...systemPrograms, ...pathDirectories()];
  const isManaged = (one: string): boolean =>
    posix.basename(one) === 'bin' &&
    managedDirectories().includes(posix.dirname(posix.dirname(one)));
  return [directory, real].some((one) => known.includes(one) || isManaged(one));
}

/** A Python of the host. */
export interface PythonInstall {
  /** Returns whether an absolute path is its interpreter. */
  readonly isInterpreter: (path: string) => boolean;
  /** The directory that has its `bin` and `lib`. */
  readonly prefix: string;
  /** Programs that venv writes, by their names; `__VENV_DIR__` and the like are still in them. */
  readonly templates: ReadonlyMap<string, string>;
  /** True if venv quotes what it puts into them. */
  readonly quotes: boolean;
  /** True if the prompt that it puts into them has parentheses and a space. */
  readonly wraps: boolean;
  /** Where wheels for new environments are. */
  readonly wheels: readonly string[];
}

/** @param version as `3.13` */
export function pythonInstall(
  tree: MergedTree,
  home: string,
  version: string,
): PythonInstall | undefined {
  if (!isOwn(tree, home)) return undefined;
  const real = realOf(posix.join(home, `python${version}`)) ?? realOf(posix.join(home, 'python3'));
  if (real === undefined || placeInTree(tree, real) !== undefined) return undefined;
  const prefix = posix.dirname(posix.dirname(real));
  const library = ['lib', 'lib64']
    .map((name) => posix.join(prefix, name, `python${version}`))
    .find((path) => isFile(posix.join(path, 'venv/__init__.py')));
  if (library === undefined) return undefined;
  const module = fileOf(posix.join(library, 'venv/__init__.py'))?.toString('latin1') ?? '';
  const names = /^python(?:3(?:\.\d{1,2})?)?$/;
  return {
    prefix,
    isInterpreter: (path) =>
      names.test(posix.basename(path)) &&
      (posix.dirname(path) === home || posix.dirname(path) === posix.dirname(real)) &&
      isFile(path),
    templates: new Map(
      ['common', 'posix'].flatMap((name) => textsIn(posix.join(library, 'venv/scripts', name))),
    ),
    quotes: module.includes('shlex.quote'),
    wraps: module.includes("'(%s) ' % prompt"),
    wheels: [
      posix.join(library, 'ensurepip/_bundled'),
      '/usr/share/python-wheels',
      '/usr/share/python3-wheels',
    ],
  };
}

/** The names and the texts of the host's files in a directory. */
export function textsIn(directory: string): (readonly [name: string, text: string])[] {
  return namesIn(directory).flatMap((name) => {
    const text = fileOf(posix.join(directory, name));
    return text === undefined ? [] : [[name, text.toString('latin1')] as const];
  });
}

/** The names in one of the host's directories; none if there is none. */
export const namesIn = (directory: string): string[] =>
  quietly(() => readdirSync(bytesOf(directory), 'latin1')) ?? [];
