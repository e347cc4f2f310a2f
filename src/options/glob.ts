/**
 * Patterns of `--hide`: `*`, `?` and `[…]` within a name, `**` for any number of
 * directories, `\` before what is meant as it is. Unlike in a shell, `*` matches a leading dot too:
 * what hides must not miss anything.
 */

const special = /[*?[]/;
/** Parts of a pattern: a state is a set of positions in 31 bits. */
const maxParts = 30;

/** Returns whether a path has a character that makes it a pattern. */
export function isPattern(path: string): boolean {
  return special.test(path.replaceAll(/\\./g, ''));
}

/** One name of a pattern; `any` stands for `**`. */
export type GlobPart = 'any' | RegExp;

export interface Glob {
  /** Leading names without any special character, from the root on. */
  readonly base: readonly string[];
  readonly parts: readonly GlobPart[];
}

const quote = (char: string): string => char.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&');
const quoteInBrackets = (char: string): string => char.replace(/[\\\]^[-]/, '\\$&');

/** The end of the bracket expression that starts at `from`; -1 where none starts there. */
function bracketEnd(name: string, from: number): number {
  // A `]` that comes first stands for itself.
  const first = name[from + 1] === '!' || name[from + 1] === '^' ? from + 2 : from + 1;
  return name.indexOf(']', first + 1);
}

function bracket(name: string, from: number, end: number): string {
  const negated = name[from + 1] === '!' || name[from + 1] === '^';
  const body = name.slice(from + (negated ? 2 : 1), end);
  let out = '';
  for (let i = 0; i < body.length; i++) {
    const char = body[i] ?? '';
    const isRange = char === '-' && i > 0 && i < body.length - 1;
    out += isRange ? '-' : quoteInBrackets(char);
  }
  return `[${negated ? '^' : ''}${out}]`;
}

/** One name as an expression. A range that makes no sense, `[z-a]`, is undefined. */
function namePattern(name: string): RegExp | undefined {
  let out = '';
  for (let i = 0; i < name.length; i++) {
    const char = name[i] ?? '';
    const end = char === '[' ? bracketEnd(name, i) : -1;
    if (char === '\\' && i + 1 < name.length) out += quote(name[++i] ?? '');
    else if (char === '*') out += '.*';
    else if (char === '?') out += '.';
    else if (end > 0) {
      out += bracket(name, i, end);
      i = end;
    } else out += quote(char);
  }
  try {
    return new RegExp(`^${out}$`, 'su');
  } catch {
    return undefined;
  }
}

const unescaped = (name: string): string => name.replaceAll(/\\(.)/g, '$1');

/** Reads an absolute pattern; undefined where a range in it makes no sense, or it is too long. */
export function parseGlob(pattern: string): Glob | undefined {
  const names = pattern.split('/').filter((name) => name !== '' && name !== '.');
  const base: string[] = [];
  while (names[0] !== undefined && !isPattern(names[0])) base.push(unescaped(names.shift() ?? ''));
  const parts: GlobPart[] = [];
  for (const name of names) {
    const part = name === '**' ? 'any' : namePattern(name);
    if (part === undefined) return undefined;
    // Two in a row mean the same as one.
    if (part !== 'any' || parts[parts.length - 1] !== 'any') parts.push(part);
  }
  return parts.length > maxParts ? undefined : { base, parts };
}

/**
 * Where a pattern stands on the way down: bit n says that the next name may have to match part n.
 */
export type GlobState = number;

export const startState: GlobState = 1;

/** Adds positions that are reached without a name: `**` may stand for no directory at all. */
function closure(parts: readonly GlobPart[], state: GlobState): GlobState {
  let out = state;
  for (let i = 0; i < parts.length; i++) {
    if (parts[i] === 'any' && (out & (1 << i)) !== 0) out |= 1 << (i + 1);
  }
  return out;
}

/**
 * Goes into a name. Gives the state for the names below it, 0 where nothing there can match, and
 * -1 where the whole pattern is matched. A pattern that ends with `**` means all in a directory.
 */
export function step({ parts }: Glob, state: GlobState, name: string): GlobState {
  const from = closure(parts, state);
  let reached = 0;
  for (let i = 0; i < parts.length; i++) {
    if ((from & (1 << i)) === 0) continue;
    const part = parts[i] as GlobPart;
    if (part === 'any') reached |= 1 << i;
    else if (part.test(name)) reached |= 1 << (i + 1);
  }
  const all = closure(parts, reached);
  return (all & (1 << parts.length)) === 0 ? all : -1;
}
