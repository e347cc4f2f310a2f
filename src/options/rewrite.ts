/** Command lines with more options than were typed: what a report advises, put in its place. */
import { shellUnquote } from './quoting.js';
import type { OptionEntry } from './table.js';

/** An option as it was typed, with its value; several letters together have the last one's entry. */
export interface TypedOption {
  readonly entry: OptionEntry | undefined;
  readonly words: readonly string[];
  readonly value: string | undefined;
}

export interface SplitLine {
  readonly options: readonly TypedOption[];
  /** The first operand, or `--`, and all that follows. */
  readonly rest: readonly string[];
}

/** Separates the options from the operands, as the parser of `wasbox run` does. */
export function splitOptions(table: readonly OptionEntry[], words: readonly string[]): SplitLine {
  const options: TypedOption[] = [];
  let at = 0;
  while (at < words.length) {
    const word = words[at] ?? '';
    if (word === '--' || word === '-' || !word.startsWith('-')) break;
    const { entry, value } = word.startsWith('--') ? long(table, word) : short(table, word);
    const next = words[at + 1] ?? '';
    const left = entry?.valueLike !== undefined && !new RegExp(entry.valueLike).test(next);
    const takes = entry !== undefined && entry.kind !== 'flag' && value === undefined && !left;
    const own = words.slice(at, at + (takes ? 2 : 1));
    options.push({ entry, words: own, value: takes ? own[1] : value });
    at += own.length;
  }
  return { options, rest: words.slice(at) };
}

type Found = Pick<TypedOption, 'entry' | 'value'>;

function long(table: readonly OptionEntry[], word: string): Found {
  const equals = word.indexOf('=');
  const name = word.slice(2, equals < 0 ? undefined : equals);
  const entry = table.find((row) => row.name === name || row.formerName === name);
  return { entry, value: equals < 0 ? undefined : word.slice(equals + 1) };
}

function short(table: readonly OptionEntry[], word: string): Found {
  let entry: OptionEntry | undefined;
  for (let i = 1; i < word.length; i++) {
    entry = table.find((row) => row.short === word[i]);
    if (entry !== undefined && entry.kind !== 'flag') {
      return { entry, value: i + 1 < word.length ? word.slice(i + 1) : undefined };
    }
  }
  return { entry, value: undefined };
}

/** `--net a,b` as an option of the table and its value; nothing for a text of another form. */
export function readAdvice(table: readonly OptionEntry[], advice: string): [OptionEntry, string][] {
  const [, name = '', value = ''] = /^--([a-z-]+) (.*)$/s.exec(advice) ?? [];
  const entry = table.find((row) => row.name === name);
  return entry === undefined ? [] : [[entry, shellUnquote(value)]];
}

/** Returns what both lists of `--net` allow; a mode that stands alone is more than any rule. */
export function joinRules(lists: readonly string[]): string {
  const rules = [...new Set(lists.flatMap((list) => list.split(',')))].filter(
    (rule) => rule !== 'none',
  );
  return rules.find((rule) => rule === 'host') ?? rules.join(',');
}

/**
 * The words of `wasbox run` with the options that are advised, each as it is shown: `--ro '/a b'`. An option
 * that can be given once is replaced, and rules of `--net` are joined with those that were typed.
 */
export function withAdvice(
  table: readonly OptionEntry[],
  words: readonly string[],
  advice: readonly string[],
): string[] {
  const { options, rest } = splitOptions(table, words);
  const added = advice.flatMap((text) => readAdvice(table, text));
  const single = new Set(added.map(([entry]) => entry).filter((entry) => !entry.repeatable));
  const kept = options.filter(({ entry }) => entry === undefined || !single.has(entry));
  const lines: string[] = [];
  for (const entry of new Set(added.map(([one]) => one))) {
    const values = added.filter(([one]) => one === entry).map(([, value]) => value);
    const typed = options.filter((one) => one.entry === entry).map(({ value = '' }) => value);
    if (entry.kind === 'network') lines.push(`--${entry.name}`, joinRules([...typed, ...values]));
    else if (entry.repeatable !== true) lines.push(`--${entry.name}`, values[0] ?? '');
    else {
      const fresh = [...new Set(values)].filter((value) => !typed.includes(value));
      lines.push(...fresh.flatMap((value) => [`--${entry.name}`, value]));
    }
  }
  return [...kept.flatMap((one) => one.words), ...lines, ...rest];
}
