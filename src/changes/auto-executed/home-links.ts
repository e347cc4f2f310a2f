/**
 * Links in the user's home that point into a tree, as with a repository of dotfiles:
 * `~/.bashrc -> dotfiles/bashrc` makes that file a start-up file.
 */
import { readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { posix } from 'node:path';
import { errnoOf } from '../files/fdtree.js';
import type { Names } from '../files/path.js';
import { homeOfUser } from '../store/state-dir.js';
import { textElsewhere } from './git-elsewhere.js';
import { pathDirectories } from './path-directories.js';

export interface HomeLink {
  /** The name below home; one character per byte. */
  readonly name: Names;
  /** Absolute path in the tree. */
  readonly target: Buffer;
}

/** Directories of home with links to start-up files. */
const places = ['', '.config', '.config/git', '.config/autostart', '.config/systemd/user', '.ssh'];

function quietly<T>(use: () => T, otherwise: T): T {
  try {
    return use();
  } catch (error) {
    errnoOf(error); // missing or not accessible
    return otherwise;
  }
}

const bytesOf = (path: string): Buffer => Buffer.from(path, 'latin1');

/** A link's target as written, and where it ends. */
function targetsOf(link: string): string[] {
  const read = () => readlinkSync(bytesOf(link), { encoding: 'buffer' }).toString('latin1');
  const end = () => realpathSync(bytesOf(link), { encoding: 'buffer' }).toString('latin1');
  return [
    quietly(() => posix.resolve(posix.dirname(link), read()), undefined),
    quietly(end, undefined),
  ].filter((target) => target !== undefined);
}

/** The real path of the user's home; one character per byte. */
export function homeDirectory(): string | undefined {
  const own = homeOfUser();
  if (own === undefined) return undefined;
  if (known?.own !== own) {
    const bytes = bytesOf(Buffer.from(own).toString('latin1'));
    const read = () => realpathSync(bytes, { encoding: 'buffer' }).toString('latin1');
    known = { own, real: quietly(read, undefined) };
  }
  return known.real;
}

let known: { readonly own: string; readonly real: string | undefined } | undefined;

/** @param workdir absolute path of the tree, one character per byte */
export function linksOfHome(workdir: string): readonly HomeLink[] {
  const home = homeDirectory();
  if (home === undefined) return [];
  const found: HomeLink[] = [];
  for (const place of places) {
    const directory = posix.join(home, place);
    const read = () => readdirSync(bytesOf(directory), { encoding: 'latin1', withFileTypes: true });
    for (const entry of quietly(read, [])) {
      if (!entry.isSymbolicLink()) continue;
      for (const target of targetsOf(posix.join(directory, entry.name))) {
        if (!`${target}/`.startsWith(`${workdir}/`)) continue;
        const name = [...place.split('/'), entry.name].filter((part) => part !== '');
        found.push({ name, target: bytesOf(target) });
      }
    }
  }
  return found;
}

/** Files that a program obeys in any directory below them. */
const obeyedBelow: readonly string[] = [
  ...['.envrc', 'mise.toml', '.mise.toml', '.config/mise.toml', '.tool-versions', '.mcp.json'],
  ...['.vscode/settings.json', '.vscode/tasks.json', '.zed/settings.json', '.zed/tasks.json'],
  ...['.cargo/config.toml', '.cargo/config', '.claude/settings.json', '.dir-locals.el', '.bazelrc'],
  ...['.pre-commit-config.yaml', '.codex/config.toml', '.cursor/mcp.json'],
];

/** Such files of the directories above a tree, up to the user's home. */
export function filesAbove(
  workdir: string,
  home: string | undefined,
): { readonly file: string; readonly directory: string }[] {
  const found: { file: string; directory: string }[] = [];
  for (let at = workdir; at !== '/' && at !== home; ) {
    at = posix.dirname(at);
    const directory = at;
    const there = new Set(quietly(() => readdirSync(bytesOf(directory), 'latin1'), []));
    const names = obeyedBelow.filter((name) => there.has(name.replace(/\/.*/, '')));
    found.push(...names.map((name) => ({ file: posix.join(directory, name), directory })));
  }
  return found;
}

/** Directories of PATH that the system's packages fill. */
const ofSystem = /^\/(?:usr\/)?s?bin$/;
/** A script that only starts another is short. */
const maxScript = 16_384;

export interface OwnProgram {
  /** Absolute path. */
  readonly path: string;
  /** The target of a link. */
  readonly link?: string;
  /** A script's text. */
  readonly text?: string;
}

/**
 * Returns whether a text has the name as a whole name of a path, so that a short one is not found in every word. A
 * variable, a flag and an escape of that letter are other words.
 */
export function namesTree(text: string, name: string): boolean {
  const partOfName = /[\w\x80-\xff]/;
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    const [before = '', after = ''] = [text[at - 1], text[at + name.length]];
    const isOther = partOfName.test(before) || /[$%\\-]/.test(before) || partOfName.test(after);
    if (!isOther) return true;
  }
  return false;
}

/** The links in the user's own directories of PATH, and the scripts there that have the tree's name in them. */
export function* programsOfPath(own: string): Generator<OwnProgram> {
  for (const directory of pathDirectories()) {
    if (ofSystem.test(directory)) continue;
    const read = () => readdirSync(bytesOf(directory), { encoding: 'latin1', withFileTypes: true });
    for (const entry of quietly(read, [])) {
      const path = posix.join(directory, entry.name);
      if (entry.isSymbolicLink()) {
        for (const link of targetsOf(path)) yield { path, link };
      } else if (entry.isFile()) {
        // Data that a script has packed behind its commands is no text: any short name would be in it.
        const text = textElsewhere(path, maxScript)?.replace(/\0.*/s, '');
        if (text?.startsWith('#!') === true && namesTree(text, own)) yield { path, text };
      }
    }
  }
}
