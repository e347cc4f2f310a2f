/**
 * Packages that a script asks for without an option: the `# /// script` block of a Python script (PEP 723), and the
 * `package.json` beside a script of Node. Both are text of the script's own, of which only names with versions are taken.
 */
import { posix } from 'node:path';
import { isRecord } from '../text/index.js';
import type { Draft } from './draft.js';
import { hostPath } from './mounts.js';
import { isPackageWord, mostPackages, type PackageKind } from './package-words.js';
import { fitsPython, type ScriptBlock, scriptBlock } from './script-block.js';
import { headLength } from './shebang.js';

/** The packages that a script asks for. */
export interface ScriptPackages {
  readonly words: readonly string[];
  /** The file that asks: the script, or the package.json beside it. */
  readonly by: string;
}

/** Modules that are in Node itself. */
export const nodeModules = new Set(
  'assert async_hooks buffer child_process cluster console constants crypto dgram diagnostics_channel dns domain events fs http http2 https inspector module net os path perf_hooks process punycode querystring readline repl stream string_decoder sys timers tls trace_events tty url util v8 vm wasi worker_threads zlib bun'.split(
    ' ',
  ),
);

/** Bytes of a script whose block, or whose imports, are looked for. */
const scriptBytes = 65_536;
const manifestBytes = 1 << 20;

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** A block begins within the bytes that are read of each script, so that others cost nothing. */
function blockOf(draft: Draft, script: string): ReturnType<typeof scriptBlock> {
  const { files } = draft.host;
  const head = files.read(script, headLength);
  if (head === undefined || !text(head).includes('# /// script')) return undefined;
  const all = files.read(script, scriptBytes);
  return all && scriptBlock(text(all));
}

function noteBlock(draft: Draft, block: ScriptBlock, interpreter: string): void {
  const name = draft.options.command;
  const [, version] = /\/python(3\.\d+)$/.exec(interpreter) ?? [];
  if (version !== undefined && block.python !== undefined && !fitsPython(version, block.python)) {
    draft.note(`${name} asks for Python ${block.python}, and this is Python ${version}`);
  }
  if (block.others.length > 0) noteOthers(draft, String(name), block.others);
}

const noteOthers = (draft: Draft, by: string, others: readonly string[]): void =>
  draft.note(`${by} asks for ${others.join(', ')}: not installed, as it is no name with a version`);

function ofPython(draft: Draft, script: string, interpreter: string): ScriptPackages | undefined {
  const block = blockOf(draft, script);
  if (block === undefined) return undefined;
  const by = String(draft.options.command);
  if (block === 'invalid') {
    draft.note(`the "# /// script" block of ${by} is invalid (PEP 723): nothing was installed`);
    return undefined;
  }
  noteBlock(draft, block, interpreter);
  return { words: block.packages, by };
}

/** Directories in which Node looks for node_modules. */
const upwards = (directory: string): string[] =>
  directory === '/' ? [directory] : [directory, ...upwards(posix.dirname(directory))];

const importedOfNode =
  /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)(["'])((?:@[\w.~-]+\/)?[\w~][\w.~-]*)(?:\/[^"'\n]*)?\1/g;

/** Names of packages, except where the script goes on without them. */
export function importsOfNode(text: string): string[] {
  const plain = text
    .replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
    .replace(/\btry\s*\{[^}]*\}/g, '');
  const names = [...plain.matchAll(importedOfNode)].map(([, , name = '']) => name);
  return [...new Set(names.filter((name) => !nodeModules.has(name)))];
}

/** A script that names only files of Node's own needs no packages. */
function importsOthers(source: string): boolean {
  const named = /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)(["'])([^"'\n]+)\1/g;
  return [...source.matchAll(named)].some(
    ([, , name = '']) => !name.startsWith('node:') && !nodeModules.has(name),
  );
}

/** A range of a manifest as `--with` has it. */
function npmWord(name: string, range: unknown): string {
  const version = typeof range === 'string' ? range.trim() : '?';
  return version === '' || version === '*' ? name : `${name}@${version}`;
}

function ofNode(draft: Draft, script: string): ScriptPackages | undefined {
  const { files } = draft.host;
  const directory = posix.dirname(files.realpath(script) ?? script);
  const manifest = posix.join(directory, 'package.json');
  if (files.lstat(manifest)?.kind !== 'file') return undefined;
  const installed = upwards(directory).map((at) => posix.join(at, 'node_modules'));
  if (installed.some((path) => files.stat(path)?.kind === 'directory')) return undefined;
  const bytes = files.read(manifest, manifestBytes);
  const source = files.read(script, scriptBytes);
  if (bytes === undefined || source === undefined || !importsOthers(text(source))) return undefined;
  const by = posix.join(posix.dirname(String(draft.options.command)), 'package.json');
  let dependencies: unknown;
  try {
    const parsed: unknown = JSON.parse(text(bytes));
    dependencies = isRecord(parsed) ? parsed.dependencies : undefined;
  } catch {
    draft.note(`${by} is no JSON: nothing was installed`);
  }
  if (!isRecord(dependencies)) return undefined;
  const all = Object.entries(dependencies).map(([name, range]) => npmWord(name, range));
  const isWord = (word: string): boolean => isPackageWord('npm', word);
  const others = all.filter((word) => !isWord(word));
  if (others.length > 0) noteOthers(draft, by, others);
  return { words: all.filter(isWord), by };
}

/** Packages that a script of Node imports and that no directory above it has. */
export function missingOfNode(draft: Draft, script: string): string[] {
  const { files } = draft.host;
  const source = files.read(script, scriptBytes);
  const places = upwards(posix.dirname(files.realpath(script) ?? script));
  const isThere = (name: string): boolean =>
    places.some((at) => files.stat(posix.join(at, 'node_modules', name)) !== undefined);
  return source === undefined ? [] : importsOfNode(text(source)).filter((name) => !isThere(name));
}

/**
 * @param kind of packages that the interpreter of the script takes
 * @returns undefined where nothing is asked for
 */
export function packagesOfScript(
  draft: Draft,
  kind: PackageKind,
  interpreter: string,
): ScriptPackages | undefined {
  const { command = '-' } = draft.options;
  const script = hostPath(draft, command);
  const asked = kind === 'npm' ? ofNode(draft, script) : ofPython(draft, script, interpreter);
  if (asked === undefined || asked.words.length === 0) return undefined;
  if (asked.words.length <= mostPackages) return asked;
  draft.note(`${asked.by} asks for more than ${mostPackages} packages: nothing was installed`);
  return undefined;
}
