/** Decides whether a path usually holds keys or tokens: then no advice opens it without a warning. */
import { type Glob, parseGlob, startState, step } from '../options/index.js';
import { homeSecretPatterns, secretPatterns } from './visibility.js';

interface Pattern {
  readonly glob: Glob;
  readonly reason: string;
}

/** The states of each pattern behind the names of a path, or why it is a secret. */
type Reached = string | readonly number[];

let parsed: readonly Pattern[] | undefined;

const patterns = (): readonly Pattern[] => {
  parsed ??= [...secretPatterns, ...homeSecretPatterns].flatMap(({ pattern, reason }) => {
    const glob = parseGlob(pattern);
    return glob === undefined ? [] : [{ glob, reason }];
  });
  return parsed;
};

function reach(from: readonly number[], name: string): Reached {
  const states: number[] = [];
  for (const [index, { glob, reason }] of patterns().entries()) {
    const before = from[index] ?? 0;
    const state = before === 0 ? 0 : step(glob, before, name);
    if (state === -1) return reason;
    states.push(state);
  }
  return states;
}

function reachAll(path: string): Reached {
  let reached: Reached = patterns().map(() => startState);
  for (const name of path.split('/')) {
    if (name === '') continue;
    reached = reach(reached, name);
    if (typeof reached === 'string') break;
  }
  return reached;
}

/** Why a path, or a directory that it is in, is a secret; undefined if neither is. */
export function secretOf(path: string): string | undefined {
  const reached = reachAll(path);
  return typeof reached === 'string' ? reached : undefined;
}

/** More names than these are not looked at. */
const mostNames = 2000;

/** Returns the names in a directory; undefined where there is no directory that can be read. */
export type ListNames = (
  path: string,
) => readonly { readonly name: string; readonly isDirectory: boolean }[] | undefined;

/**
 * Why a path is a secret or, for a directory, has one in it, which whatever shows the directory shows, too; undefined if
 * nothing known is. A directory with too much in it to be looked at counts as one with secrets.
 */
export function secretAt(path: string, list: ListNames): string | undefined {
  const top = reachAll(path);
  if (typeof top === 'string') return top;
  const directories: { readonly path: string; readonly states: readonly number[] }[] = [
    { path, states: top },
  ];
  let left = mostNames;
  for (const { path: directory, states } of directories) {
    for (const { name, isDirectory } of list(directory) ?? []) {
      if (left-- === 0) return 'more files than were looked at, perhaps with keys or tokens';
      const reached = reach(states, name);
      if (typeof reached === 'string') return reached;
      if (isDirectory) directories.push({ path: `${directory}/${name}`, states: reached });
    }
  }
  return undefined;
}

/** Words in the names of variables that hold what a program signs in with. */
const named =
  /(?:^|_)(?:\w*(?:TOKEN|SECRET|PASSWORD|KEY|CREDENTIAL)S?|PASS|PASSWD|PASSPHRASE|PWD|PAT|PIN|CREDS?|AUTH\w*|COOKIES?|JWT|DSN)(?:_|\d|$)/i;
/** Addresses with a password in them, and how the tokens of well-known services begin. */
const valued =
  /:\/\/[^/\s]*:[^/\s]*@|^(?:gh[a-z]_|github_pat_|glpat-|sk-|xox|AKIA|ASIA|eyJ)|PRIVATE KEY-/;

/** Returns whether a variable, by its name or value, holds what a program signs in with. */
export const isSecretVariable = (name: string, value = ''): boolean =>
  named.test(name) || valued.test(value);
