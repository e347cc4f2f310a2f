/**
 * Decides whether a changed path is auto-executed by its name. The patterns of the catalogue are matched against
 * the path and each of its parents, ignoring case, so that a protected directory that becomes a symbolic
 * link matches, too.
 */
import { canonicalName } from '../files/canonical-name.js';
import { splitPath } from '../files/path.js';
import { autoExecutedRules } from './catalogue.js';

interface CompiledRule {
  readonly level: 'held' | 'note';
  readonly why: string;
  readonly parts: readonly Part[];
  readonly deep: boolean;
  readonly mayGo: boolean;
  /** Position in the list: if several rules match, the first gives the reason. */
  readonly order: number;
}

/** A part of a pattern: a name, the text before and after a `*`, or any number of names. */
type Part = string | { readonly before: string; readonly after: string } | typeof anyNames;

const anyNames = Symbol('**');

function partOf(text: string): Part {
  if (text === '**') return anyNames;
  const star = text.indexOf('*');
  return star < 0 ? text : { before: text.slice(0, star), after: text.slice(star + 1) };
}

function matchesName(part: Exclude<Part, symbol>, name: string): boolean {
  if (typeof part === 'string') return part === name;
  const { before, after } = part;
  const fits = name.length >= before.length + after.length;
  return fits && name.startsWith(before) && name.endsWith(after);
}

/** An index of the rules by the first name of their pattern, because there may be very many paths. */
class RuleIndex {
  /** Rules by the whole name, by its first two characters, and by a suffix that starts with a dot. */
  readonly #byName = new Map<string, CompiledRule[]>();
  readonly #byStart = new Map<string, CompiledRule[]>();
  readonly #byEnd = new Map<string, CompiledRule[]>();

  add(rule: CompiledRule): void {
    const [first] = rule.parts;
    if (typeof first === 'string') addTo(this.#byName, first, rule);
    else if (typeof first !== 'object') throw new Error('a pattern starts with a name');
    else if (first.before.length >= 2) addTo(this.#byStart, first.before.slice(0, 2), rule);
    else if (first.before === '' && first.after.startsWith('.'))
      addTo(this.#byEnd, first.after, rule);
    else throw new Error(`no index for ${first.before}*${first.after}`);
  }

  /** The rules whose first name may be this one. */
  *of(name: string): Generator<CompiledRule> {
    yield* this.#byName.get(name) ?? noRules;
    yield* this.#byStart.get(name.slice(0, 2)) ?? noRules;
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
      yield* this.#byEnd.get(name.slice(dot)) ?? noRules;
    }
  }
}

function addTo(map: Map<string, CompiledRule[]>, key: string, rule: CompiledRule): void {
  const rules = map.get(key);
  if (rules === undefined) map.set(key, [rule]);
  else rules.push(rule);
}

interface Rules {
  /** Rules whose patterns match anywhere in a path. */
  readonly anywhere: RuleIndex;
  /** Rules for paths from the user's home. */
  readonly home: RuleIndex;
  /** Rules for hidden names that are harmless. */
  readonly harmless: RuleIndex;
}

/** Compiled with the first change, because most runs have none. */
let compiled: Rules | undefined;

function compileRules(): Rules {
  const rules = {
    anywhere: new RuleIndex(),
    home: new RuleIndex(),
    harmless: new RuleIndex(),
  };
  for (const [order, { level, why, patterns, mayGo = false }] of autoExecutedRules().entries()) {
    for (const pattern of patterns) {
      const names = pattern.split('/').filter((part) => part !== '' && part !== '~');
      const parts = names.map(partOf);
      const deep = pattern.endsWith('/');
      if (level === 'harmless') {
        rules.harmless.add({ level: 'note', why, deep, parts, mayGo, order });
        continue;
      }
      const rule = { level, why, deep, parts, mayGo, order };
      (pattern.startsWith('~/') ? rules.home : rules.anywhere).add(rule);
    }
  }
  return rules;
}

/** Matches the rest of a pattern against the names from `from` on; returns the end of the match, or -1. */
function matchFrom(
  rule: CompiledRule,
  part: number,
  names: readonly string[],
  from: number,
): number {
  const first = rule.parts[part];
  if (first === undefined) return from;
  if (first === anyNames) {
    for (let at = from; at <= names.length; at++) {
      const end = matchFrom(rule, part + 1, names, at);
      if (end >= 0) return end;
    }
    return -1;
  }
  const name = names[from];
  return name !== undefined && matchesName(first, name)
    ? matchFrom(rule, part + 1, names, from + 1)
    : -1;
}

const noRules: readonly CompiledRule[] = [];

/** Held rules come before notes, then the order of the list. */
function findRule(
  { anywhere, home }: Rules,
  names: readonly string[],
  fromHome: readonly string[],
): AutoExecuted | undefined {
  let best: CompiledRule | undefined;
  let start = 0;
  let whole: number | undefined;
  const isBetter = ({ level, order }: CompiledRule): boolean =>
    best === undefined || (level === best.level ? order < best.order : level === 'held');
  const look = (
    candidates: Iterable<CompiledRule>,
    path: readonly string[],
    from: number,
  ): void => {
    for (const rule of candidates) {
      if (!isBetter(rule)) continue;
      const end = matchFrom(rule, 0, path, from);
      if (end !== path.length && (end < 0 || !rule.deep)) continue;
      best = rule;
      start = from + names.length - path.length;
      whole = rule.deep ? end + names.length - path.length : undefined;
    }
  };
  for (const [from, name] of names.entries()) {
    look(anywhere.of(name), names, from);
  }
  const [first] = fromHome;
  if (first !== undefined) look(home.of(first), fromHome, 0);
  return best === undefined
    ? undefined
    : { level: best.level, why: best.why, mayGo: best.mayGo, start, whole };
}

const isHidden = (name: string): boolean => name.startsWith('.') && name !== '.' && name !== '..';

/** Returns whether a row says what the hidden name at `from` is for: the row's own names, not what is below them. */
function isKnown({ anywhere, harmless }: Rules, names: readonly string[], from: number): boolean {
  for (let begin = from; begin >= 0 && begin >= from - 1; begin--) {
    for (const index of [anywhere, harmless]) {
      for (const rule of index.of(names[begin] ?? '')) {
        const end = matchFrom(rule, 0, names, begin);
        if (end > from && (end === names.length || rule.deep)) return true;
      }
    }
  }
  return false;
}

/**
 * The first hidden name that no row knows: new to wasbox, or to the tool that reads it.
 *
 * @param own where the names of the changed path begin: those of directories above are not its own
 */
function unknownHidden(rules: Rules, names: readonly string[], own: number): number | undefined {
  const at = names.findIndex(
    (name, from) => from >= own && isHidden(name) && !isKnown(rules, names, from),
  );
  return at < 0 ? undefined : at;
}

/** Returns whether the names match the beginning of a held rule's pattern, so that something below may match it. */
function isBeginning(
  { anywhere, home }: Rules,
  names: readonly string[],
  fromHome: readonly string[],
): boolean {
  const begins = (
    rules: Iterable<CompiledRule>,
    path: readonly string[],
    from: number,
  ): boolean => {
    for (const rule of rules) {
      if (rule.level === 'held' && beginsAt(rule, 0, path, from)) return true;
    }
    return false;
  };
  const [first] = fromHome;
  if (first !== undefined && begins(home.of(first), fromHome, 0)) return true;
  return names.some((name, from) => begins(anywhere.of(name), names, from));
}

function beginsAt(
  rule: CompiledRule,
  part: number,
  names: readonly string[],
  from: number,
): boolean {
  const first = rule.parts[part];
  if (from === names.length) return first !== undefined || rule.deep;
  if (first === undefined) return rule.deep;
  if (first === anyNames) {
    if (beginsAt(rule, part + 1, names, from)) return true;
    return beginsAt(rule, part, names, from + 1);
  }
  const name = names[from];
  return (
    name !== undefined && matchesName(first, name) && beginsAt(rule, part + 1, names, from + 1)
  );
}

/** The rules of the catalogue. If this is called while the engine's image is made, the image has them. */
export function autoExecutedIndex(): Rules {
  compiled ??= compileRules();
  return compiled;
}

export interface AutoExecuted {
  readonly level: 'held' | 'note';
  readonly why: string;
  /** True if deleting it is harmless. @default false */
  readonly mayGo?: boolean | undefined;
  /** True if it is held only because no row knows its hidden name. @default false */
  readonly isUnknown?: boolean | undefined;
  /**
   * Where the pattern begins in the path: what is before it is the directory in which the file counts. At
   * most 0 if that is outside.
   */
  readonly start?: number | undefined;
  /** How many of the path's first names are those of a directory in which everything is held. */
  readonly whole?: number | undefined;
}

/** The entries of a git directory, whatever its name, from which git runs programs. */
export const gitCommands: readonly string[] = ['config', 'config.worktree', 'hooks', 'commondir'];

/**
 * Returns whether a changed path is auto-executed.
 *
 * @param directory whether it is a directory: only the files in it are executed
 * @param gitDirectory whether its parent, or the parent's parent, is a git directory of any name
 */
export function matchPath(
  path: Buffer,
  directory: boolean,
  gitDirectory: boolean,
): AutoExecuted | undefined {
  if (directory) return undefined;
  return matchNames(
    splitPath(path).map((name) => name.toString('latin1')),
    gitDirectory,
  );
}

/**
 * Returns whether a path is auto-executed, given its names with one character per byte.
 *
 * @param fromHome its names from the user's home; empty if it is outside
 * @param own how many of the first names are those of directories that are not the change's own
 */
export function matchNames(
  path: readonly string[],
  gitDirectory: boolean,
  fromHome: readonly string[] = [],
  own = 0,
): AutoExecuted | undefined {
  const names = path.map(canonicalName);
  const last = names.at(-1);
  const parent = names.at(-2);
  if (last === undefined) return undefined;
  const start = names.length - 1;
  if (last === '.git') {
    return { level: 'held', why: 'it tells git where its configuration is', start };
  }
  if (last.endsWith('.sample') && parent === 'hooks') return undefined;
  const steers = gitCommands.includes(last) || (parent === 'info' && last === 'attributes');
  if (gitDirectory && (parent === 'hooks' || steers)) {
    const deeper = parent === 'hooks' || parent === 'info';
    const why = 'git runs the programs that it names';
    return { level: 'held', why, start: deeper ? start - 1 : start };
  }
  const rules = autoExecutedIndex();
  const found = findRule(rules, names, fromHome.map(canonicalName));
  if (found?.level === 'held') return found;
  const hidden = unknownHidden(rules, names, own);
  if (hidden === undefined) return found;
  return {
    level: 'held',
    why: whyHidden,
    mayGo: true,
    start: hidden,
    whole: hidden + 1,
    isUnknown: true,
  };
}

const whyHidden = 'its name is hidden, and wasbox does not know which program reads it';

/** Returns whether something below a path of this name could be held back. */
export function mayMatchBelow(path: readonly string[], fromHome: readonly string[] = []): boolean {
  return isBeginning(autoExecutedIndex(), path.map(canonicalName), fromHome.map(canonicalName));
}
