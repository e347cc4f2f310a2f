/**
 * Fills in the templates of the host's venv and virtualenv as they do it: the files of a new environment, beside links
 * and packages.
 */
import { posix } from 'node:path';
import { shellQuote } from '../../options/index.js';
import type { MergedTree } from '../merged-tree/tree.js';
import { placeInTree } from './other-paths.js';
import { pathDirectories } from './path-directories.js';
import { fileOf, namesIn, type PythonInstall, realOf, textsIn } from './python-install.js';

export interface Maker {
  /** Texts that a file may have, by its path in the environment, one character per byte. */
  readonly texts: ReadonlyMap<string, readonly string[]>;
  /** True if it quotes the path of the environment. */
  readonly quotes: boolean;
  /** The directories of the wheels that it installs. */
  readonly wheels: readonly string[];
}

/** An environment. */
export interface Place {
  /** Absolute path. */
  readonly path: string;
  readonly prompt: string | undefined;
  /** The minor version, as `3.13`. */
  readonly version: string;
  /** The name of the link that leads to the interpreter in one step. */
  readonly program: string;
}

type Quote = (word: string) => string;

function filled(template: string, values: Readonly<Record<string, string>>, quote: Quote): string {
  let text = template;
  for (const [key, value] of Object.entries(values)) {
    text = text.replaceAll(key, () => quote(value));
  }
  return text;
}

const inQuotes: Quote = (word) => `'${word}'`;
const asIs: Quote = (word) => word;

/** `replace_variables` of the venv module. */
function ofVenv(python: PythonInstall, { path, prompt, program }: Place): Maker {
  const name = posix.basename(path);
  const shown = prompt ?? name;
  const values = {
    __VENV_DIR__: path,
    __VENV_NAME__: name,
    __VENV_PROMPT__: python.wraps ? `(${shown}) ` : shown,
    __VENV_BIN_NAME__: 'bin',
    __VENV_PYTHON__: posix.join(path, 'bin', program),
  };
  const texts = new Map<string, readonly string[]>();
  for (const [script, template] of python.templates) {
    const quote = script.endsWith('.ps1') ? inQuotes : shellQuote;
    texts.set(`bin/${script}`, [filled(template, values, python.quotes ? quote : asIs)]);
  }
  texts.set('.gitignore', [
    '# Created by venv; see https://docs.python.org/3/library/venv.html\n*\n',
  ]);
  return { texts, quotes: python.quotes, wheels: python.wheels };
}

/** Directories of virtualenv's templates, with the quotes of each in which a path has no quotes itself. */
const activators: readonly (readonly [directory: string, quote: Quote])[] = [
  ['bash', shellQuote],
  ['cshell', shellQuote],
  ['fish', shellQuote],
  ['nushell', (word) => `r#'${word}'#`],
  ['powershell', inQuotes],
  ['python', inQuotes],
];

const tclPlaces: readonly string[] = ['/usr/share/tcltk', '/usr/lib', '/usr/local/lib'];

/** The libraries of Tcl and Tk that virtualenv may have found, as newer ones put them into their scripts. */
function tclValues(prefix: string): Readonly<Record<string, string>>[] {
  const found = [{ __TCL_LIBRARY__: '', __TK_LIBRARY__: '' }];
  for (const place of new Set([...tclPlaces, posix.join(prefix, 'lib')])) {
    for (const name of namesIn(place).filter((one) => /^tcl\d\.\d$/.test(one))) {
      const tk = posix.join(place, name.replace('tcl', 'tk'));
      found.push({ __TCL_LIBRARY__: posix.join(place, name), __TK_LIBRARY__: tk });
    }
  }
  return found;
}

const cacheTag = `Signature: 8a477f597d28d172789f06886806bc55
# This file is a cache directory tag created by Python virtualenv.
# For information about cache directory tags, see:
#   https://bford.info/cachedir/`;

/** @param module where virtualenv is on the host */
function ofVirtualenv(module: string, python: PythonInstall, place: Place): Maker | undefined {
  const { path, prompt = '', version } = place;
  const scripts = posix.join(module, 'activation');
  const writer = fileOf(posix.join(scripts, 'via_template.py'))?.toString('latin1');
  if (writer === undefined) return undefined;
  const quotes = writer.includes('shlex.quote');
  const packages = `lib/python${version}/site-packages`;
  const values = {
    __VIRTUAL_PROMPT__: prompt,
    __VIRTUAL_ENV__: path,
    __VIRTUAL_NAME__: posix.basename(path),
    __BIN_NAME__: 'bin',
    __PATH_SEP__: ':',
    __LIB_FOLDERS__: `../${packages}`,
    __DECODE_PATH__: '',
  };
  const tcl = writer.includes('__TCL_LIBRARY__') ? tclValues(python.prefix) : [{}];
  const texts = new Map<string, readonly string[]>();
  for (const [directory, quote] of activators) {
    for (const [name, template] of textsIn(posix.join(scripts, directory))) {
      if (!name.startsWith('activate')) continue;
      // The byte order mark of UTF-8, without which PowerShell takes a file for another encoding.
      const mark = name.endsWith('.ps1') ? '\xef\xbb\xbf' : '';
      const own = tcl.map(
        (more) => mark + filled(template, { ...values, ...more }, quotes ? quote : asIs),
      );
      texts.set(`bin/${name.replace(/\.sh$/, '')}`, own);
    }
  }
  const patch = fileOf(posix.join(module, 'create/via_global_ref/_virtualenv.py'));
  if (patch !== undefined) {
    texts.set(`${packages}/_virtualenv.py`, [
      patch.toString('latin1').replaceAll('"__SCRIPT_DIR__"', inQuotes('../../../bin')),
    ]);
    texts.set(`${packages}/_virtualenv.pth`, ['import _virtualenv']);
  }
  const wheels = [...python.wheels, posix.join(module, 'seed/wheels/embed')];
  for (const name of wheels.flatMap(namesIn)) {
    const [, named] = /^([^-]+-[^-]+)-.*-none-any\.whl$/.exec(name) ?? [];
    // pip removes an older package by it.
    if (named !== undefined) texts.set(`${packages}/${named}.virtualenv`, ['']);
  }
  texts.set('.gitignore', ['# created by virtualenv automatically\n*\n']);
  texts.set('CACHEDIR.TAG', [cacheTag, `${cacheTag}\n`]);
  return { texts, quotes, wheels };
}

/** Returns the virtualenvs of the host outside the tree: with this Python, with the system's, behind a program on PATH. */
function virtualenvs(tree: MergedTree, python: PythonInstall): string[] {
  const programs = [...pathDirectories()].map((one) => realOf(posix.join(one, 'virtualenv')));
  const prefixes = programs
    .filter((program) => program !== undefined)
    .map((program) => posix.dirname(posix.dirname(program)));
  return [...new Set([python.prefix, '/usr', ...prefixes])]
    .flatMap((prefix) => {
      const libraries = namesIn(posix.join(prefix, 'lib')).filter((name) =>
        /^python[\d.]*$/.test(name),
      );
      return libraries.flatMap((name) =>
        ['site-packages', 'dist-packages'].map((packages) =>
          posix.join(prefix, 'lib', name, packages, 'virtualenv'),
        ),
      );
    })
    .filter((module) => realOf(module) !== undefined && placeInTree(tree, module) === undefined);
}

/**
 * Returns what on the host may have written an environment.
 *
 * @param byVirtualenv whether it says that virtualenv did
 */
export function makersOf(
  tree: MergedTree,
  python: PythonInstall,
  place: Place,
  byVirtualenv: boolean,
): readonly Maker[] {
  if (!byVirtualenv) return [ofVenv(python, place)];
  return virtualenvs(tree, python)
    .map((module) => ofVirtualenv(module, python, place))
    .filter((maker) => maker !== undefined);
}
