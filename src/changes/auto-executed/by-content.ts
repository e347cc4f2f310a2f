/** Finds what the names of a path alone do not tell: what lies beside it, what it links to, what is in it. */
import { canonicalName } from '../files/canonical-name.js';
import { readText } from '../files/host-text.js';
import type { Names } from '../files/path.js';
import { inLayer, type MergedTree, onHost } from '../merged-tree/tree.js';
import type { AutoExecuted } from './match.js';
import { byDirenv } from './rules/shells.js';

/** Files that make a directory an environment of Python or conda. */
const marks: readonly string[] = ['pyvenv.cfg', 'conda-meta'];

/** How many names the environment has that a directory is, or is in; undefined if it is in none. */
type Depths = Map<string, number | undefined>;

const known = new WeakMap<MergedTree, Depths>();

function environmentOf(tree: MergedTree, directory: Names, depths: Depths): number | undefined {
  const key = directory.join('/');
  if (depths.has(key)) return depths.get(key);
  const isOne = marks.some((mark) => isThere(tree, [...directory, mark]));
  const above = directory.length === 0 ? undefined : directory.slice(0, -1);
  const depth = isOne ? directory.length : above && environmentOf(tree, above, depths);
  depths.set(key, depth);
  return depth;
}

const isThere = (tree: MergedTree, names: Names): boolean =>
  [onHost, inLayer].some((find) => ![undefined, 'absent'].includes(find(tree, names) as 'absent'));

/** The directory of the virtual environment that a path is in; undefined if it is in none. */
export function environmentAround(tree: MergedTree, path: Names): Names | undefined {
  const depths: Depths = known.get(tree) ?? new Map();
  known.set(tree, depths);
  const depth = environmentOf(tree, path.slice(0, -1), depths);
  return depth === undefined ? undefined : path.slice(0, depth);
}

/** Returns whether a path is in a virtual environment, of any name. */
export function inEnvironment(
  tree: MergedTree,
  path: Names,
  byName: AutoExecuted | undefined,
): AutoExecuted | undefined {
  const depth = environmentAround(tree, path)?.length;
  if (depth === undefined) return byName;
  if (byName?.level === 'held') return { ...byName, whole: depth };
  const why = 'it is in a virtual environment, whose programs and modules run by themselves';
  return { level: 'held', why, mayGo: true, start: depth - 1, whole: depth };
}

/**
 * Returns what a file is by its name; a file that direnv reads by default is none that it reads where no .envrc is beside
 * it, but at the top of the tree: trees of Nix have hundreds of `default.nix`. What an .envrc names or imports elsewhere is
 * followed.
 */
export function ofDirenv(
  tree: MergedTree,
  path: Names,
  byName: AutoExecuted | undefined,
): AutoExecuted | undefined {
  if (byName?.why !== byDirenv) return byName;
  const directory = path.slice(0, -1);
  const last = directory.at(-1);
  const above =
    last !== undefined && canonicalName(last) === 'nix' ? directory.slice(0, -1) : directory;
  if (above.length === 0 || [directory, above].some((at) => isThere(tree, [...at, '.envrc'])))
    return byName;
  return { level: 'note', why: 'nix evaluates it where that is started here' };
}

/** Modules of Python's standard library that are files. */
const standardModules: ReadonlySet<string> = new Set(
  `
  abc aifc annotationlib argparse array ast asynchat asyncio asyncore audioop base64 bdb binascii bisect bz2
  cProfile calendar cgi cgitb chunk cmath cmd code codecs codeop collections colorsys compileall compression
  concurrent configparser contextlib contextvars copy copyreg crypt csv ctypes curses dataclasses datetime dbm
  decimal difflib dis doctest email encodings ensurepip enum fcntl filecmp fileinput fnmatch fractions ftplib
  functools genericpath getopt getpass gettext glob graphlib grp gzip hashlib heapq hmac html http imaplib imghdr
  imp importlib inspect io ipaddress json keyword linecache locale logging lzma mailbox mailcap math mimetypes
  mmap modulefinder multiprocessing netrc nis nntplib ntpath nturl2path numbers opcode operator optparse os
  ossaudiodev pathlib pdb pickle pickletools pipes pkgutil platform plistlib poplib posixpath pprint profile
  pstats pty py_compile pyclbr pydoc pydoc_data pyexpat queue quopri random re readline reprlib resource
  rlcompleter runpy sched secrets select selectors shelve shlex shutil signal site smtpd smtplib sndhdr socket
  socketserver spwd sqlite3 sre_compile sre_constants sre_parse ssl stat statistics string stringprep struct
  subprocess sunau symtable sysconfig syslog tabnanny tarfile telnetlib tempfile termios textwrap threading timeit
  token tokenize tomllib trace traceback tracemalloc tty types typing unicodedata unittest urllib uu uuid venv
  warnings wave weakref webbrowser wsgiref xdrlib xml xmlrpc zipapp zipfile zipimport zlib zoneinfo
  `
    .trim()
    .split(/\s+/),
);

/**
 * A module at the top of the tree that has the name of one of Python's own: `python3 -m pip` takes modules from the
 * directory in which it is started first.
 */
export function hidesModule(path: Names): AutoExecuted | undefined {
  const [first = '', second] = path.map(canonicalName);
  const name = second === undefined ? /^(\w+)\.(?:py|pyc|so)$/.exec(first)?.[1] : first;
  const isPackage = second !== undefined && path.length === 2 && /^__init__\.pyc?$/.test(second);
  if (name === undefined || (second !== undefined && !isPackage)) return undefined;
  if (!standardModules.has(name)) return undefined;
  const why = 'python3 -m, started here, runs it in place of the module of that name';
  return { level: 'note', why };
}

/** Formats in which tools have their settings, not data, and names such as `Makefile`, `pylintrc` and R's `DESCRIPTION`; canonical. */
const settings =
  /\.(?:toml|ya?ml|ini|cfg|conf|config|hcl|edn|neon|dhall|kdl|exp|tcl|rc|project|properties)$|[^.]file$|^[^.]+rc$|^description$/;

/**
 * A visible file of settings at the top of the tree, where tools look for theirs: no list has all tools, and most of
 * them run programs, plugins or hooks that their settings name.
 */
export function ofTool(path: Names): AutoExecuted | undefined {
  const [name = '', ...more] = path.map(canonicalName);
  if (more.length > 0 || name.startsWith('.') || !settings.test(name)) return undefined;
  return { level: 'note', why: 'a tool that is started here may run what it names' };
}

/** A manual page of R may have expressions that run when the page is built or the package installed; most have none. */
export function ofManual(tree: MergedTree, path: Names): AutoExecuted | undefined {
  if (!canonicalName(path.at(-1) ?? '').endsWith('.rd')) return undefined;
  const found = readText(tree.native, tree.layer.root, path);
  if (found === undefined || !(found.cut || found.text.includes('\\Sexpr'))) return undefined;
  return { level: 'note', why: 'R runs the expressions in it when it builds the page' };
}
