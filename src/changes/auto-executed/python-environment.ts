/**
 * Decides whether a new virtual environment is, file by file, what `python3 -m venv` or virtualenv writes for a Python
 * of the user's. Then nothing in it needs a review: the links lead to that Python, the scripts are those of the host's
 * venv or virtualenv, the packages those of its wheels. One file more, or one byte less, and all of it stays held.
 *
 * Compiled modules (`__pycache__`) cannot be compared: they say when their sources were made. Python compiles anew
 * what is missing, so they are left out: see `noise`.
 */
import { posix } from 'node:path';
import { closeDescriptor } from '../../native/index.js';
import { readUpTo } from '../files/content.js';
import { names as namesOfFd, withFd } from '../files/fdtree.js';
import { unlessDenied } from '../files/layer.js';
import type { Names } from '../files/path.js';
import { type MergedTree, onHost } from '../merged-tree/tree.js';
import type { FileState } from '../model/index.js';
import { type Maker, makersOf } from './environment-makers.js';
import { type PythonInstall, pythonInstall } from './python-install.js';
import { type Programs, programsOf } from './wheel-programs.js';
import { type Wheel, wheelOf } from './wheels.js';

/** More than pip and setuptools have; the payload decides how many there are. */
const maxEntries = 20_000;
const maxBytes = 64 * 1024 * 1024;

interface Entry {
  readonly state: FileState;
  /** The content of a file; empty for others. */
  readonly bytes: Buffer;
}

type Entries = ReadonlyMap<string, Entry>;

/** All of the layer's directory; undefined if it is not plain, or too much. */
function entriesOf(tree: MergedTree, top: Names): Entries | undefined {
  const { layer } = tree;
  const found = new Map<string, Entry>();
  let left = maxBytes;
  const walk = (fd: number, prefix: string): boolean => {
    for (const name of namesOfFd(fd)) {
      const path = `${prefix}${name.toString('latin1')}`;
      const entry = layer.entry(fd, name, layer.opacity(fd) === 'x');
      if (entry === undefined || entry.whiteout || found.size >= maxEntries) return false;
      const { state } = entry;
      let bytes: Buffer = Buffer.alloc(0);
      if (state.type === 'file' && !isBytecode(path)) {
        left -= state.size;
        if (left < 0) return false;
        const read = withFd(layer.openFile(fd, name), (file) => readUpTo(file, state.size));
        if (read === undefined) return false;
        bytes = read;
      }
      found.set(path, { state, bytes });
      if (state.type !== 'directory') continue;
      if (!withFd(layer.openDirectory(fd, name), (inner) => walk(inner, `${path}/`))) return false;
    }
    return true;
  };
  return unlessDenied(() => {
    const fd = layer.openPath(Buffer.from(top.join('/'), 'latin1'));
    try {
      return walk(fd, '') ? found : undefined;
    } finally {
      closeDescriptor(fd);
    }
  });
}

const bytecode = /^(.*\/)__pycache__\/([^/]+)\.cpython-\d+(?:\.opt-\d)?\.pyc$/;
/** The source of a compiled module, beside it or in `__pycache__`; virtualenv lists that directory, too. */
const sourceOf = (path: string): string =>
  path
    .replace(/\/__pycache__$/, '')
    .replace(/(?:\/__pycache__)?(\/[^/]+)\.cpython-\d+(?:\.opt-\d)?\.pyc$/, '$1.py');

const isBytecode = (path: string): boolean => bytecode.test(path);

/** Words that need no quotes in any shell, so that no template makes a command of them. */
const plainWord = /^[\w@%+=:,./-]+$/;
/** The user's own directory may have a space in its name, where venv quotes. */
const quotable = /^[\w@%+=:,./ ()-]+$/;

const configKeys: readonly string[] = [
  'home',
  'include-system-site-packages',
  'version',
  'prompt',
  'executable',
  'command',
  // virtualenv adds these.
  'implementation',
  'version_info',
  'virtualenv',
  'base-prefix',
  'base-exec-prefix',
  'base-executable',
];

type Config = ReadonlyMap<string, string>;

/** `pyvenv.cfg`, by the keys of venv and virtualenv, each once; undefined if it has others. */
function configOf(text: string): Config | undefined {
  const found = new Map<string, string>();
  for (const line of text.split('\n').slice(0, -1)) {
    const [, key = '', value = ''] = /^([a-z_-]+) = ([\x20-\x7e]+)$/.exec(line) ?? [];
    if (!configKeys.includes(key) || found.has(key)) return undefined;
    found.set(key, value);
  }
  return text.endsWith('\n') ? found : undefined;
}

/** Returns whether a configuration names this Python only. */
function isConfigOf(config: Config, python: PythonInstall): boolean {
  const isOne = (key: string, is: (value: string) => boolean): boolean => {
    const value = config.get(key);
    return value === undefined || is(value);
  };
  return (
    /^(?:true|false)$/.test(config.get('include-system-site-packages') ?? '') &&
    ['executable', 'base-executable'].every((key) => isOne(key, python.isInterpreter)) &&
    ['base-prefix', 'base-exec-prefix'].every((key) => isOne(key, (at) => at === python.prefix)) &&
    isOne('implementation', (value) => value === 'CPython')
  );
}

class Environment {
  readonly #entries: Entries;
  /** Absolute path. */
  readonly #path: string;
  readonly #version: string;
  readonly #python: PythonInstall;
  readonly #texts: ReadonlyMap<string, readonly string[]>;
  readonly #wheels = new Map<string, Wheel>();
  /** Programs of each wheel, by its name. */
  readonly #programs = new Map<string, Programs>();

  constructor(
    entries: Entries,
    path: string,
    python: PythonInstall,
    version: string,
    { texts, wheels }: Maker,
  ) {
    this.#entries = entries;
    this.#path = path;
    this.#python = python;
    this.#version = version;
    this.#texts = texts;
    const metadata = new RegExp(
      `^${posix.join('lib', `python${version}`)}/site-packages/([^/]+)\\.dist-info$`,
    );
    for (const path of entries.keys()) {
      const [, name] = metadata.exec(path) ?? [];
      const wheel = name === undefined ? undefined : wheelOf(wheels, name);
      if (name === undefined || wheel === undefined) continue;
      this.#wheels.set(name, wheel);
      this.#programs.set(name, programsOf(wheel, name, version));
    }
  }

  /** Returns whether each of its entries is as its maker writes it. */
  isPristine(): boolean {
    return [...this.#entries].every(([path, entry]) => this.#isOwn(path, entry));
  }

  #isOwn(path: string, { state, bytes }: Entry): boolean {
    const { type, mode, links } = state;
    if (type === 'directory') return (mode & 0o7002) === 0 && this.#isDirectory(path);
    if (type === 'symlink') return this.#isLink(path, state.link?.toString('latin1') ?? '');
    if (type !== 'file' || (mode & 0o7002) !== 0 || links > 1) return false;
    if (isBytecode(path)) return this.#isCompiled(path);
    const texts = this.#texts.get(path);
    if (texts !== undefined) return texts.includes(bytes.toString('latin1'));
    const inPackages = this.#packagePath(path);
    if (inPackages !== undefined) return this.#isOfPackage(inPackages, bytes);
    if (path === 'pyvenv.cfg') return true; // it was read before
    const [directory, name = '', more] = path.split('/');
    return directory === 'bin' && more === undefined && this.#isScript(name, bytes);
  }

  #packagePath(path: string): string | undefined {
    const packages = `lib/python${this.#version}/site-packages/`;
    return path.startsWith(packages) ? path.slice(packages.length) : undefined;
  }

  #isDirectory(path: string): boolean {
    const python = `python${this.#version}`;
    const own = ['bin', 'include', `include/${python}`, 'lib', `lib/${python}`];
    const source = path.replace(/\/__pycache__$/, '');
    if (own.includes(path) || source === `lib/${python}/site-packages`) return true;
    const inPackages = this.#packagePath(source);
    if (inPackages === undefined) return false;
    return [...this.#wheels.values()].some((wheel) => wheel.hasDirectory(inPackages));
  }

  #isLink(path: string, target: string): boolean {
    if (path === 'lib64') return target === 'lib';
    const [, name] = /^bin\/(python(?:3(?:\.\d{1,2})?)?)$/.exec(path) ?? [];
    if (name === undefined) return false;
    if (target.startsWith('/')) return this.#python.isInterpreter(target);
    // A link to another name of it, which leads there in one step.
    const next = this.#entries.get(`bin/${target}`)?.state.link?.toString('latin1');
    return /^python[\d.]*$/.test(target) && next !== undefined && this.#python.isInterpreter(next);
  }

  #isCompiled(path: string): boolean {
    const [, directory, name] = bytecode.exec(path) ?? [];
    return this.#entries.get(`${directory}${name}.py`)?.state.type === 'file';
  }

  /** A program of one of the packages, as distlib writes it. */
  #isScript(name: string, bytes: Buffer): boolean {
    const [first = '', ...rest] = bytes.toString('latin1').split('\n');
    const interpreters = ['python', 'python3', `python${this.#version}`].map(
      (one) => `#!${this.#path}/bin/${one}`,
    );
    if (!interpreters.includes(first)) return false;
    return [...this.#programs.values()].some((programs) =>
      programs.get(name)?.includes(rest.join('\n')),
    );
  }

  #isOfPackage(path: string, bytes: Buffer): boolean {
    const [top = '', name = '', more] = path.split('/');
    const own = top.replace(/\.dist-info$/, '');
    for (const wheel of this.#wheels.values()) {
      if (wheel.sizeOf(path) !== bytes.length || path.endsWith('.dist-info/RECORD')) continue;
      if (wheel.read(path)?.equals(bytes)) return true;
    }
    if (own === top || !this.#wheels.has(own) || more !== undefined) return false;
    const text = bytes.toString('latin1');
    if (name === 'INSTALLER') return text === 'pip\n';
    if (name === 'REQUESTED') return text === '';
    return name === 'RECORD' && this.#isRecord(text, this.#programs.get(own));
  }

  /** The list of installed files, by which pip removes them: it names none but these. */
  #isRecord(text: string, programs: Programs | undefined): boolean {
    return text
      .split('\n')
      .filter((line) => line !== '')
      .every((line) => {
        const [, path = ''] = /^([^",]+),(?:sha256=[\w-]+)?,\d*\r?$/.exec(line) ?? [];
        const [, script] = /^\.\.\/\.\.\/\.\.\/bin\/([^/]+)$/.exec(path) ?? [];
        if (script !== undefined)
          return programs?.has(script) === true && this.#entries.has(`bin/${script}`);
        const there = `lib/python${this.#version}/site-packages/${path}`;
        return this.#entries.has(sourceOf(there));
      });
  }
}

function isPristineAt(tree: MergedTree, top: Names): boolean {
  const name = top.at(-1);
  if (name === undefined || (name.startsWith('.') && !/^\.(?:v?env|virtualenv)$/.test(name)))
    return false;
  if (onHost(tree, top) !== undefined) return false;
  const path = posix.join(tree.workdir.toString('latin1'), ...top);
  const entries = entriesOf(tree, top);
  const config = configOf(entries?.get('pyvenv.cfg')?.bytes.toString('latin1') ?? '');
  if (entries === undefined || config === undefined) return false;
  const [, version] =
    /^(3\.\d{1,2})\.\d{1,3}(?:\.final\.0)?$/.exec(
      config.get('version') ?? config.get('version_info') ?? '',
    ) ?? [];
  const home = config.get('home');
  if (version === undefined || home === undefined) return false;
  const python = pythonInstall(tree, home, version);
  // venv quotes it, virtualenv does not.
  const prompt = config.get('prompt')?.replace(/^'(.*)'$/, '$1');
  const isPlain = [...top, prompt ?? name].every((word) => plainWord.test(word));
  if (python === undefined || !isConfigOf(config, python) || !isPlain) return false;
  const link = ['python3', 'python', `python${version}`].find((one) =>
    entries.get(`bin/${one}`)?.state.link?.toString('latin1').startsWith('/'),
  );
  const place = { path, prompt, version, program: link ?? 'python3' };
  return makersOf(tree, python, place, config.has('virtualenv')).some(
    (maker) =>
      (maker.quotes ? quotable : plainWord).test(path) &&
      new Environment(entries, path, python, version, maker).isPristine(),
  );
}

const known = new WeakMap<MergedTree, Map<string, boolean>>();

/**
 * Returns whether a directory is a virtual environment that holds only what venv or virtualenv writes.
 *
 * @param top a directory with a `pyvenv.cfg`
 */
export function isPristine(tree: MergedTree, top: Names): boolean {
  const results = known.get(tree) ?? new Map<string, boolean>();
  known.set(tree, results);
  const key = top.join('/');
  const result = results.get(key) ?? isPristineAt(tree, top);
  results.set(key, result);
  return result;
}
