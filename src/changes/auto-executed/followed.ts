/**
 * Finds what a script runs in turn: the files that it sources or starts, and the modules that it imports. Only files that are
 * named exactly are followed; what a package manager installed, or a variable decides, is not.
 */
import { readdirSync } from 'node:fs';
import { posix } from 'node:path';
import { errnoOf } from '../files/fdtree.js';
import type { Names } from '../files/path.js';
import { wordsOf } from './command-words.js';
import { namedHome } from './git-elsewhere.js';

type Reader = (text: string) => string;

const source = (names: readonly string[]): string =>
  names.length === 0 ? '' : `source ${names.map((name) => `'${name}'`).join(' source ')}`;

/** Python finds a module beside the script first: `a.b` is a/b.py or a/b/__init__.py, and a/__init__.py runs before. */
const ofPython: Reader = (text) =>
  [...text.matchAll(/^[ \t]*(?:from[ \t]+(\.*[\w.]+)[ \t]+import|import[ \t]+([\w., \t]+))/gm)]
    .flatMap(([, from, list = '']) => (from === undefined ? list.split(',') : [from]))
    .map((module) =>
      module
        .trim()
        .replace(/[ \t].*$/, '')
        .replace(/^\.+/, ''),
    )
    .filter((module) => /^\w+(?:\.\w+)*$/.test(module))
    .map((module) => {
      const names = module.split('.');
      const paths = names.map((_, at) => names.slice(0, at + 1).join('/'));
      return source(paths.flatMap((path) => [`./${path}.py`, `./${path}/__init__.py`]));
    })
    .join('\n');

/** Node.js takes a relative specifier for a file, with some endings for a module of CommonJS, or a directory's index. */
const ofNode: Reader = (text) =>
  [...text.matchAll(/(?:\brequire\s*\(|\bimport\s*\(?|\bfrom)\s*['"](\.\.?\/[^'"\n]+)['"]/g)]
    .map(([, path = '']) => {
      const ends = ['', '.js', '.cjs', '.mjs', '.ts', '/index.js', '/index.ts'];
      // TypeScript names what it compiles to.
      return source([...ends.map((end) => path + end), path.replace(/js$/, 'ts')]);
    })
    .join('\n');

const ofRuby: Reader = (text) =>
  [...text.matchAll(/\b(?:require_relative|load)\s*\(?\s*['"]([^'"\n]+)['"]/g)]
    .map(([, path = '']) => source([`./${path}`, `./${path}.rb`]))
    .join('\n');

/** Path literals of Nix; a directory means its default.nix. */
const ofNix: Reader = (text) =>
  [...text.replace(/^\s*#.*$/gm, '').matchAll(/(?:^|[\s([=])(\.\.?\/[\w./+-]+)/g)]
    .map(([, path = '']) => source([path, `${path.replace(/\/$/, '')}/default.nix`]))
    .join('\n');

const readers: readonly (readonly [RegExp, RegExp, Reader])[] = [
  [/\.py$/, /^#!.*\bpython/, ofPython],
  [/\.[cm]?[jt]sx?$/, /^#!.*\b(?:node|bun|deno|tsx|ts-node)\b/, ofNode],
  [/\.rb$/, /^#!.*\bruby/, ofRuby],
  [/\.nix$/, /^\b\B/, ofNix],
];

/** Endings of files of shells; a file without any may be one that is sourced. */
const ofShells =
  /(?:^|\/)(?:[^/.]+|\.[^/.]+|[^/]*\.(?:(?:ba|da|z|k|a)?sh|fish|inc|env|envrc|bashrc|zshrc))$/;

const ofR = /\.r$/i;

/** Returns what a file runs in turn, as commands; undefined where it is no script that is read. */
export function runBy(
  path: string,
  text: string,
): { readonly text: string; readonly isShell: boolean } | undefined {
  if (text.slice(0, 4096).includes('\0')) return undefined;
  for (const [name, first, read] of readers) {
    if (name.test(path) || first.test(text)) return { text: read(text), isShell: false };
  }
  // R's relative names, too, start where the user is.
  if (ofR.test(path) || /^#!.*\bRscript\b/.test(text)) return { text, isShell: true };
  const isShell = text.startsWith('#!')
    ? /^#!.*\b(?:ba|da|z|k|a|fi)?sh\b/.test(text)
    : ofShells.test(path);
  return isShell ? { text, isShell } : undefined;
}

/** The names in one of the host's directories. */
function namesIn(directory: string): string[] {
  try {
    return readdirSync(Buffer.from(directory, 'latin1'), 'latin1');
  } catch (error) {
    errnoOf(error); // missing or not accessible
    return [];
  }
}

/** Matches lines that read another file. Most lines of a start-up file read none, and every word of one costs time. */
const reading = /(?:^|[;&|\s])(?:\.|source|source-file|include)\s+[^\s=]/i;

/** Absolute paths of files that a start-up file of the user reads in turn. */
export function includedBy(commands: string, file: string): string[] {
  const starts = [posix.dirname(file), namedHome() ?? '/'];
  const lines = commands.split('\n').filter((line) => reading.test(line));
  if (lines.length === 0) return [];
  return wordsOf(lines.join('\n'), namedHome()).words.flatMap(({ parts, role, isGlob }) => {
    const [first = '', last = ''] = parts;
    if (role !== 'run' || !/[./]/.test(first) || parts.length > (isGlob ? 2 : 1)) return [];
    return [...new Set(starts.map((start) => posix.resolve(start, first)))].flatMap((path) => {
      if (!isGlob) return [path];
      const [directory, begin] = first.endsWith('/')
        ? [path, '']
        : [posix.dirname(path), posix.basename(path)];
      return namesIn(directory)
        .filter((name) => name.startsWith(begin) && name.endsWith(last))
        .map((name) => posix.join(directory, name));
    });
  });
}

/** The directory in which a followed script's own names start, and those of what named it. */
export const startsOf = (path: Names, before: readonly (Names | string)[], isShell: boolean) =>
  [path.slice(0, -1), ...(isShell ? before : [])].slice(0, 6);
