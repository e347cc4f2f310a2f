/** Paths that a configuration of git names; see git-config(1). */
import { homeOfUser } from '../store/state-dir.js';

/** Files of one tree that are read. */
export const maxConfigs = 500;

/** Keys whose whole value is a path, even where it does not look like one. */
const pathKeys: ReadonlySet<string> = new Set(['hookspath', 'path', 'fsmonitor', 'attributesfile']);

/** Keys of which nothing is run: where the files are, and names of branches, which look like paths. */
const otherKeys: ReadonlySet<string> = new Set(['worktree', 'merge', 'fetch', 'push']);

export interface ConfiguredPath {
  readonly path: string;
  /** Whether it is further configuration. */
  readonly include: boolean;
  /** Whether it is the whole value of such a key; else a word of one. */
  readonly isPath: boolean;
  /** Whether it has nothing of a path: then it may name a file, as in `sh deploy`, and no directory. */
  readonly bare: boolean;
}

/** What a configuration may mean as a path: each value, and each word of it. */
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

/** Where the files of a repository are, if its configuration says so (`core.worktree`). */
export function worktreeIn(text: string): string | undefined {
  const value = /^\s*(?:\[[^\]]*\]\s*)?worktree\s*=\s*(.*?)\s*$/im.exec(text)?.[1];
  return value?.replace(/["\\]/g, '');
}
