/**
 * Decides whether a new virtual environment is, file by file, what `python3 -m venv` writes for a Python of the
 * user's. Then nothing in it needs a review: the links lead to that Python, the scripts are those of its venv module,
 * the packages those of its wheels. One file more, or one byte less, and all of it stays held.
 *
 * Compiled modules (`__pycache__`) cannot be compared: they say when their sources were made. Python compiles anew
 * what is missing, so they are left out: see `noise`.
 */
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { closeDescriptor } from '../../native/index.js';
import { shellQuote } from '../../options/index.js';
import { names as namesOfFd, withFd } from '../files/fdtree.js';
import { unlessDenied } from '../files/layer.js';
import type { Names } from '../files/path.js';
import { type MergedTree, onHost } from '../merged-tree/tree.js';
import type { FileState } from '../model/index.js';
import { type PythonInstall, pythonInstall } from './python-install.js';
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
      let bytes = Buffer.alloc(0);
      if (state.type === 'file' && !isBytecode(path)) {
        left -= state.size;
        if (left < 0) return false;
        bytes = withFd(layer.openFile(fd, name), (file) => readFileSync(file));
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
const isBytecode = (path: string): boolean => bytecode.test(path);

/** Words that need no quotes in any shell, so that no template makes a command of them. */
const plainWord = /^[\w@%+=:,./-]+$/;
/** The user's own directory may have a space in its name, where venv quotes. */
const quotable = /^[\w@%+=:,./ ()-]+$/;

/** `pyvenv.cfg`, by the keys of venv, each once; undefined if it has others. */
function configOf(text: string): ReadonlyMap<string, string> | undefined {
  const known = ['home', 'include-system-site-packages', 'version', 'prompt', 'executable'];
  const found = new Map<string, string>();
  for (const line of text.split('\n').slice(0, -1)) {
    const [, key = '', value = ''] = /^([a-z-]+) = ([\x20-\x7e]+)$/.exec(line) ?? [];
    if (![...known, 'command'].includes(key) || found.has(key)) return undefined;
    found.set(key, value);
  }
  return text.endsWith('\n') ? found : undefined;
}

class Environment {
  readonly #entries: Entries;
  /** Absolute path. */
  readonly #path: string;
  readonly #version: string;
  readonly #python: PythonInstall;
  readonly #prompt: string;
  readonly #wheels = new Map<string, Wheel>();

  constructor(
    entries: Entries,
    path: string,
    python: PythonInstall,
    version: string,
    prompt: string,
  ) {
    this.#entries = entries;
    this.#path = path;
    this.#python = python;
    this.#version = version;
    this.#prompt = prompt;
    const metadata = new RegExp(
      `^${posix.join('lib', `python${version}`)}/site-packages/([^/]+)\\.dist-info$`,
    );
    for (const path of entries.keys()) {
      const [, name] = metadata.exec(path) ?? [];
      const wheel = name === undefined ? undefined : wheelOf(python.wheels, name);
      if (name !== undefined && wheel !== undefined) this.#wheels.set(name, wheel);
    }
  }

  /** Returns whether each of its entries is as venv writes it. */
  isPristine(): boolean {
    return [...this.#entries].every(([path, entry]) => this.#isOwn(path, entry));
  }

  #isOwn(path: string, { state, bytes }: Entry): boolean {
    const { type, mode, links } = state;
    if (type === 'directory') return (mode & 0o7002) === 0 && this.#isDirectory(path);
    if (type === 'symlink') return this.#isLink(path, state.link?.toString('latin1') ?? '');
    if (type !== 'file' || (mode & 0o7002) !== 0 || links > 1) return false;
    if (isBytecode(path)) return this.#isCompiled(path);
    const inPackages = this.#packagePath(path);
    if (inPackages !== undefined) return this.#isOfPackage(inPackages, bytes);
    const text = bytes.toString('latin1');
    if (path === 'pyvenv.cfg') return true; // it was read before
    if (path === '.gitignore') {
      return text === '# Created by venv; see https://docs.python.org/3/library/venv.html\n*\n';
    }
    const [directory, name = '', more] = path.split('/');
    return directory === 'bin' && more === undefined && this.#isScript(name, text);
  }

  #packagePath(path: string): string | undefined {
    const packages = `lib/python${this.#version}/site-packages/`;
    return path.startsWith(packages) ? path.slice(packages.length) : undefined;
  }

  #isDirectory(path: string): boolean {
    const python = `python${this.#version}`;
    const own = ['bin', 'include', `include/${python}`, 'lib', `lib/${python}`];
    if (own.includes(path) || path === `lib/${python}/site-packages`) return true;
    const inPackages = this.#packagePath(path)?.replace(/\/__pycache__$/, '');
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

  #isScript(name: string, text: string): boolean {
    const template = this.#python.templates.get(name);
    if (template !== undefined) return text === this.#filled(template, name);
    const isPip = ['pip', 'pip3', `pip${this.#version}`].includes(name);
    return (
      isPip && [...this.#wheels.keys()].some((one) => one.startsWith('pip-')) && this.#isPip(text)
    );
  }

  /** Returns what `replace_variables` of the venv module makes of a script. */
  #filled(template: string, name: string): string {
    const { quotes } = this.#python;
    const quote = (word: string): string => {
      if (!quotes) return word;
      return name.endsWith('.ps1') ? `'${word}'` : shellQuote(word);
    };
    const link = ['python3', 'python', `python${this.#version}`].find((one) =>
      this.#entries.get(`bin/${one}`)?.state.link?.toString('latin1').startsWith('/'),
    );
    const values = {
      __VENV_DIR__: this.#path,
      __VENV_NAME__: posix.basename(this.#path),
      __VENV_PROMPT__: this.#python.wraps ? `(${this.#prompt}) ` : this.#prompt,
      __VENV_BIN_NAME__: 'bin',
      __VENV_PYTHON__: posix.join(this.#path, 'bin', link ?? 'python3'),
    };
    let text = template;
    for (const [key, value] of Object.entries(values))
      text = text.replaceAll(key, () => quote(value));
    return text;
  }

  /** A script of pip, as its own distlib writes it. */
  #isPip(text: string): boolean {
    const [first = '', ...rest] = text.split('\n');
    const interpreters = ['python', 'python3', `python${this.#version}`].map(
      (name) => `#!${this.#path}/bin/${name}`,
    );
    return interpreters.includes(first) && pipScripts.includes(rest.join('\n'));
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
    return name === 'RECORD' && this.#isRecord(text);
  }

  /** The list of installed files, by which pip removes them: it names none but these. */
  #isRecord(text: string): boolean {
    return text
      .split('\n')
      .filter((line) => line !== '')
      .every((line) => {
        const [, path = ''] = /^([^",]+),(?:sha256=[\w-]+)?,\d*\r?$/.exec(line) ?? [];
        const [, script] = /^\.\.\/\.\.\/\.\.\/(bin\/pip[\d.]*)$/.exec(path) ?? [];
        const packages = `lib/python${this.#version}/site-packages`;
        const there = script ?? `${packages}/${path}`;
        return this.#entries.has(there) || (isBytecode(there) && this.#isCompiled(there));
      });
  }
}

/** The scripts without the line with the interpreter, the versions of pip in order. */
const pipScripts: readonly string[] = [
  `# -*- coding: utf-8 -*-
import re
import sys
from pip._internal.cli.main import main
if __name__ == '__main__':
    sys.argv[0] = re.sub(r'(-script\\.pyw|\\.exe)?$', '', sys.argv[0])
    sys.exit(main())
`,
  `# -*- coding: utf-8 -*-
import re
import sys
from pip._internal.cli.main import main
if __name__ == "__main__":
    sys.argv[0] = re.sub(r"(-script\\.pyw|\\.exe)?$", "", sys.argv[0])
    sys.exit(main())
`,
  `import sys
from pip._internal.cli.main import main
if __name__ == '__main__':
    sys.argv[0] = sys.argv[0].removesuffix('.exe')
    sys.exit(main())
`,
];

function isPristineAt(tree: MergedTree, top: Names): boolean {
  const name = top.at(-1);
  if (name === undefined || (name.startsWith('.') && !/^\.(?:v?env|virtualenv)$/.test(name)))
    return false;
  if (onHost(tree, top) !== undefined) return false;
  const path = posix.join(tree.workdir.toString('latin1'), ...top);
  const entries = entriesOf(tree, top);
  const config = configOf(entries?.get('pyvenv.cfg')?.bytes.toString('latin1') ?? '');
  if (entries === undefined || config === undefined) return false;
  const [, version] = /^(3\.\d{1,2})\.\d{1,3}$/.exec(config.get('version') ?? '') ?? [];
  const home = config.get('home');
  if (version === undefined || home === undefined) return false;
  const python = pythonInstall(tree, home, version);
  const [, prompt = name] = /^'(.*)'$/.exec(config.get('prompt') ?? '') ?? [];
  const executable = config.get('executable');
  const isTrue = /^(?:true|false)$/.test(config.get('include-system-site-packages') ?? '');
  const isPlain = [...top, prompt].every((word) => plainWord.test(word));
  if (python === undefined || !isTrue || !isPlain) return false;
  if (!(python.quotes ? quotable : plainWord).test(path)) return false;
  if (executable !== undefined && !python.isInterpreter(executable)) return false;
  return new Environment(entries, path, python, version, prompt).isPristine();
}

const known = new WeakMap<MergedTree, Map<string, boolean>>();

/**
 * Returns whether a directory is a virtual environment that holds only what venv writes.
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
