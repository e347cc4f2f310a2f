/** Paths that a configuration of git names; see git-config(1). */
import { homeOfUser } from '../store/state-dir.js';

/** Configuration files that are read for one tree. */
export const maxConfigs = 500;

/** Keys whose whole value is a path, even if it does not look like one. */
const pathKeys: ReadonlySet<string> = new Set(['hookspath', 'path', 'fsmonitor', 'attributesfile']);

/** Keys that run nothing: the worktree's path, and branch names, which look like paths. */
const otherKeys: ReadonlySet<string> = new Set(['worktree', 'merge', 'fetch', 'push']);

export interface ConfiguredPath {
  readonly path: string;
  /** Whether it includes another configuration file. */
  readonly include: boolean;
  /** Whether it is the whole value of such a key; otherwise a word of a value. */
  readonly isPath: boolean;
  /** Whether it does not look like a path: it may name a file, as in `sh deploy`, but not a directory. */
  readonly bare: boolean;
}

/** All possible paths in a configuration: each value, and each word of it. */
export function* pathsIn(text: string): Generator<ConfiguredPath> {
  for (const line of text.replace(/\\\r?\n/g, '').split('\n')) {
    const [, key = '', value = ''] =
      /^\s*(?:\[[^\]]*\]\s*)?([\w-]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (otherKeys.has(key.toLowerCase())) continue;
    const plain = value.replace(/["'\\]/g, '');
    const isPath = pathKeys.has(key.toLowerCase());
    const words = [plain, ...plain.split(/[\s;!&|()=]+/)];
    for (const word of isPath ? [plain, plain.replace(/\s*[#;].*$/, '')] : words) {
      const path = word.startsWith('~/') ? `${homeOfUser() ?? '~'}${word.slice(1)}` : word;
      const bare = !isPath && !/[./]/.test(word);
      yield { path, include: key.toLowerCase() === 'path', isPath, bare };
    }
  }
}

/** The worktree that a repository's configuration sets (`core.worktree`). */
export function worktreeIn(text: string): string | undefined {
  const value = /^\s*(?:\[[^\]]*\]\s*)?worktree\s*=\s*(.*?)\s*$/im.exec(text)?.[1];
  return value?.replace(/["\\]/g, '');
}
