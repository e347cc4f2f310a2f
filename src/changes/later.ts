/**
 * Stage: changes. Whether a changed path runs later by itself. The patterns of the catalogue are
 * matched without regard to case, against the path and each of its leading parts, so that a
 * protected directory that becomes a symbolic link is caught as well.
 */
import { laterRules } from './later-rules.js';
import { splitPath } from './path.js';

interface CompiledRule {
  readonly level: 'held' | 'note';
  readonly why: string;
  readonly parts: readonly Part[];
  readonly deep: boolean;
  /** Place in the list: where several match, the first tells why. */
  readonly order: number;
}

/** A name of a pattern: as it is, or what stands before and after its `*`; or any number of names. */
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

/** The rules by the first name of their pattern: each changed path is looked up, and there may be many. */
interface RuleIndex {
  readonly byName: ReadonlyMap<string, readonly CompiledRule[]>;
  readonly others: readonly CompiledRule[];
}

/** Compiled with the first change that is looked at: most runs have none. */
let compiled: RuleIndex | undefined;

function compileRules(): RuleIndex {
  const byName = new Map<string, CompiledRule[]>();
  const others: CompiledRule[] = [];
  for (const [order, { level, why, patterns }] of laterRules.entries()) {
    for (const pattern of patterns) {
      const names = pattern.split('/').filter((part) => part !== '');
      const parts = names.map(partOf);
      const rule = { level, why, deep: pattern.endsWith('/'), parts, order };
      const [first] = parts;
      if (typeof first !== 'string') others.push(rule);
      else byName.set(first, [...(byName.get(first) ?? []), rule]);
    }
  }
  return { byName, others };
}

/** Whether the rest of a pattern matches names from `from` on; gives where they end, or -1. */
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

/** What is held comes before what is only pointed out, then the order of the list. */
function findRule({ byName, others }: RuleIndex, names: readonly string[]): Later | undefined {
  let best: CompiledRule | undefined;
  const isBetter = ({ level, order }: CompiledRule): boolean =>
    best === undefined || (level === best.level ? order < best.order : level === 'held');
  for (const [from, name] of names.entries()) {
    for (const candidates of [byName.get(name) ?? noRules, others]) {
      for (const rule of candidates) {
        if (!isBetter(rule)) continue;
        const end = matchFrom(rule, 0, names, from);
        if (end === names.length || (end >= 0 && rule.deep)) best = rule;
      }
    }
  }
  return best;
}

/** Whether names end with the first ones of a pattern of what is held, so that it holds what lies below. */
function isBeginning({ byName, others }: RuleIndex, names: readonly string[]): boolean {
  return names.some((name, from) =>
    [byName.get(name) ?? noRules, others].some((candidates) =>
      candidates.some((rule) => rule.level === 'held' && beginsAt(rule, 0, names, from)),
    ),
  );
}

function beginsAt(
  rule: CompiledRule,
  part: number,
  names: readonly string[],
  from: number,
): boolean {
  const first = rule.parts[part];
  if (from === names.length) return first !== undefined;
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

/**
 * A name as the most forgiving file system takes it: without regard to case and to what Unicode calls
 * ignorable (ext4 and f2fs with casefold, HFS+), and to dots and spaces at the end (vfat, NTFS), for
 * which `git~1` is `.git`, too. Git refuses the same names in what it checks out (core.protectHFS,
 * core.protectNTFS).
 *
 * @param name a byte a character
 */
export function canonicalName(name: string): string {
  let text = name;
  if (/[\x80-\xff]/.test(name)) {
    const decoded = Buffer.from(name, 'latin1').toString();
    if (!decoded.includes('\ufffd')) text = decoded.normalize('NFD');
    text = text.replace(/\p{Default_Ignorable_Code_Point}/gu, '').toUpperCase();
  }
  text = text.toLowerCase().replace(/[. ]+$/, '');
  return /^(?:git~\d|\.git[. ]*:.*)$/.test(text) ? '.git' : text;
}

/** The index of the catalogue. */
function rules(): RuleIndex {
  compiled ??= compileRules();
  return compiled;
}

export interface Later {
  readonly level: 'held' | 'note';
  readonly why: string;
}

/** What runs programs of a git directory of any name, by its place right in it. */
export const gitCommands: readonly string[] = ['config', 'config.worktree', 'hooks', 'commondir'];

/**
 * Tells whether a changed path runs later by itself.
 *
 * @param directory whether it is a directory: an ordinary directory of such a name runs nothing,
 *   what is in it does
 * @param gitDirectory whether its directory, or that above, looks like a git directory, whatever its
 *   name
 */
export function runsLater(
  path: Buffer,
  directory: boolean,
  gitDirectory: boolean,
): Later | undefined {
  if (directory) return undefined;
  return namesRunLater(
    splitPath(path).map((name) => name.toString('latin1')),
    gitDirectory,
  );
}

/** The same of the names of a path, a byte a character. */
export function namesRunLater(path: readonly string[], gitDirectory: boolean): Later | undefined {
  const names = path.map(canonicalName);
  const last = names.at(-1);
  const parent = names.at(-2);
  if (last === undefined) return undefined;
  if (last === '.git') return { level: 'held', why: 'it tells git where its configuration is' };
  if (last.endsWith('.sample') && parent === 'hooks') return undefined;
  const steers = gitCommands.includes(last) || (parent === 'info' && last === 'attributes');
  if (gitDirectory && (parent === 'hooks' || steers)) {
    return { level: 'held', why: 'git runs the programs that it names' };
  }
  return findRule(rules(), names);
}

/** Whether something below a path of this name would be held back. */
export function mayHoldBelow(path: readonly string[]): boolean {
  return isBeginning(rules(), path.map(canonicalName));
}
