/** Writes a profile, with what was seen, as TOML, and reads it again. */
import { createHash } from 'node:crypto';
import { parse } from 'smol-toml';
import { UsageError } from '../errors/index.js';
import { replaceInvisible } from '../text/index.js';
import type { LearnedPolicy } from './policy-text.js';
import type { Seen } from './seen.js';

/** Values by key of a profile; a list may have a comment for each item. */
export interface ProfileValue {
  readonly value:
    | string
    | number
    | boolean
    | readonly string[]
    | Readonly<Record<string, string | boolean>>;
  readonly comments?: readonly string[] | undefined;
}

export type ProfileValues = Readonly<Record<string, ProfileValue>>;

/** Hash of the file without this line: shows whether the file was edited. */
const markPattern = /^made = "([0-9a-f]{64})"$/m;
const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A character as TOML escapes it; a lone surrogate is not a character. */
function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code >= 0xd800 && code <= 0xdfff ? '?' : `\\U${code.toString(16).padStart(8, '0')}`;
}

/** TOML's basic strings are JSON's. Characters that a terminal interprets are escaped. */
const quoted = (text: string): string =>
  replaceInvisible(JSON.stringify(text.replace(/\p{Cs}/gu, escaped)), escaped);

/** Removes characters that end a comment or that a terminal interprets: the payload chose the words. */
const comment = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?');

function valueLines(name: string, { value, comments }: ProfileValue): string[] {
  if (Array.isArray(value)) {
    return [
      `${name} = [`,
      ...value.map((item, i) => {
        const why = comments?.[i];
        return `  ${quoted(String(item))},${why === undefined ? '' : `    # ${comment(why)}`}`;
      }),
      ']',
    ];
  }
  const text = typeof value === 'string' ? quoted(value) : String(value);
  const why = comments?.[0];
  return [`${name} = ${text}${why === undefined ? '' : `    # ${comment(why)}`}`];
}

function tables(values: ProfileValues): string[] {
  const groups = new Map<string, string[]>();
  for (const [key, value] of Object.entries(values)) {
    const dot = key.indexOf('.');
    const table = dot < 0 ? '' : key.slice(0, dot);
    const lines = groups.get(table) ?? [];
    if (key === 'env') {
      const variables = Object.entries(value.value as Record<string, string | boolean>);
      groups.set(
        'env',
        variables.map(
          ([name, text]) => `${quoted(name)} = ${text === true ? 'true' : quoted(String(text))}`,
        ),
      );
    } else groups.set(table, [...lines, ...valueLines(key.slice(dot + 1), value)]);
  }
  const top = groups.get('') ?? [];
  groups.delete('');
  return [...top, ...[...groups].flatMap(([table, lines]) => ['', `[${table}]`, ...lines])];
}

/** The whole file. */
export function profileText(
  seen: Seen,
  policy: LearnedPolicy,
  values: ProfileValues,
  warnings: readonly string[],
): string {
  const head = [
    `# Learned by wasbox from ${seen.runs} run${seen.runs === 1 ? '' : 's'}: ${comment(seen.command)}`,
    `# ${Object.keys(seen.calls).length} kinds of system calls were seen, ${policy.allowed} are allowed. The policy of the runs allows ${policy.base}.`,
    ...warnings.map((warning) => `# ${comment(warning)}`),
    '',
    "policy-text = '''",
    ...policy.text.trimEnd().split('\n').map(comment),
    "'''",
  ];
  const top = Object.entries(values).filter(([key]) => !key.includes('.') && key !== 'env');
  const rest = Object.entries(values).filter(([key]) => key.includes('.') || key === 'env');
  const learned = [
    '',
    '# What was seen. wasbox learn adds the next run to this and rewrites the file.',
    ...(seen.shown.length === 0
      ? []
      : ['# Read-only mounts must be in `shown`, even if a link in them changes.']),
    '[learned]',
    `runs = ${seen.runs}`,
    `command = ${quoted(seen.command)}`,
    `more-values = ${seen.moreValues}`,
    `areas = [${seen.features.map(quoted).join(', ')}]`,
    ...(seen.shown.length === 0 ? [] : [`shown = [${seen.shown.map(quoted).join(', ')}]`]),
    '',
    '[learned.calls]',
    ...Object.entries(seen.calls).map(([call, count]) => `${quoted(call)} = ${count}`),
    '',
    '[learned.values]',
    ...Object.entries(seen.values).map(
      ([key, list]) => `${quoted(key)} = [${list.map(quoted).join(', ')}]`,
    ),
  ];
  const text = [
    ...head,
    ...tables(Object.fromEntries(top)),
    ...tables(Object.fromEntries(rest)),
    ...learned,
    '',
  ].join('\n');
  const marked = text.replace('[learned]\n', `[learned]\nmade = "${'0'.repeat(64)}"\n`);
  return marked.replace(markPattern, `made = "${digest(text)}"`);
}

/** The content of a profile that was learned before. */
export interface EarlierProfile {
  readonly seen: Seen;
  /** Values by profile key, as TOML has them. */
  readonly values: Readonly<Record<string, unknown>>;
}

/**
 * Reads a file that was learned before.
 * @throws UsageError if it is not one, or was edited: the edits would be lost
 */
export function readLearned(name: string, text: string): EarlierProfile {
  const refuse = (why: string): UsageError =>
    new UsageError('ERR_PROFILE', `-o ${name}: ${why}`, {
      hint: 'The file was not changed. Use another file, or delete this one to start over.',
    });
  const mark = markPattern.exec(text)?.[1];
  if (mark === undefined) throw refuse('it was not made by wasbox learn');
  const rest = text.replace(/^made = "[0-9a-f]{64}"\n/m, '');
  if (digest(rest) !== mark) throw refuse('it was edited after wasbox wrote it');
  const { learned, 'policy-text': _text, ...values } = parse(text);
  const seen = readSeen(learned);
  if (seen === undefined) throw refuse('its [learned] section is damaged');
  return { seen, values };
}

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string');

const isCount = (value: unknown): value is number => Number.isSafeInteger(value);

/** Checks every value, since they end up in a policy: the hash detects edits, not who wrote the file. */
function readSeen(learned: unknown): Seen | undefined {
  if (!isTable(learned)) return undefined;
  const {
    runs,
    command,
    calls,
    values,
    'more-values': moreValues,
    areas = [],
    shown = [],
  } = learned;
  const good =
    isTexts(shown) &&
    isTexts(areas) &&
    isCount(runs) &&
    typeof command === 'string' &&
    typeof moreValues === 'boolean' &&
    isTable(calls) &&
    Object.entries(calls).every(([call, count]) => /^\w+$/.test(call) && isCount(count)) &&
    isTable(values) &&
    Object.entries(values).every(
      ([key, list]) =>
        /^\w+\.\w+$/.test(key) &&
        isTexts(list) &&
        list.every((value) => /^\w+( \| \w+)*$/.test(value)),
    );
  if (!good) return undefined;
  return {
    runs,
    command,
    calls: calls as Record<string, number>,
    values: values as Record<string, string[]>,
    moreValues,
    features: areas,
    shown,
  };
}
