/**
 * Strict readers of option values. Each takes the text after the option and gives
 * the typed value, or throws a {@link UsageError} that shows what would have been right.
 */
import { meansNoLimit, UsageError } from '../errors/index.js';
import { longestMs } from '../time/index.js';
import { readNetRules } from './net-rules.js';
import { noLimitText } from './no-limit.js';
import { suggest } from './suggest.js';
import type { OptionEntry } from './table.js';

export function valueError(option: string, problem: string, hint: string): UsageError {
  return new UsageError('ERR_OPTION_VALUE', `${option}: ${problem}`, { hint });
}

const quote = (text: string): string => `"${text}"`;

/** Reads one value by the kind of its option. Flags have no value and do not come here. */
export function readValue(entry: OptionEntry, option: string, text: string): unknown {
  if (text.includes('\0')) {
    throw valueError(option, 'the value contains a NUL byte', 'Remove it.');
  }
  if (entry.unlimited === true && /^(none|unlimited)$/.test(text)) return Number.POSITIVE_INFINITY;
  switch (entry.kind) {
    case 'choice':
      return readChoice(entry, option, text);
    case 'integer':
      return readInteger(entry, option, text);
    case 'network':
      return readNetwork(entry, option, text);
    case 'duration':
      return readDuration(entry, option, text);
    case 'size':
      return readSize(entry, option, text);
    case 'variable':
      return readVariable(option, text);
    case 'sink':
      return readSink(option, text);
    case 'path':
    case 'mapping':
      if (text === '') throw valueError(option, 'the path is empty', `Write ${option} PATH.`);
      return text;
    default:
      return text;
  }
}

function readChoice(entry: OptionEntry, option: string, text: string): string {
  const choices = entry.choices ?? [];
  if (choices.includes(text)) return text;
  const near = suggest(text, choices);
  const hint = near === undefined ? '' : `Did you mean ${quote(near)}? `;
  throw valueError(
    option,
    `invalid value ${quote(text)}`,
    `${hint}Use one of: ${choices.join(', ')}.`,
  );
}

/** The text itself: src/resolve/network.ts reads the rules once more, for the library's sake. */
function readNetwork(entry: OptionEntry, option: string, text: string): string {
  if (entry.choices?.includes(text) !== true) readNetRules(option, text);
  return text;
}

function readInteger(entry: OptionEntry, option: string, text: string): number {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = entry;
  const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw valueError(
    option,
    `${quote(text)} is not a whole number from ${min} to ${max}`,
    `For example: ${option} ${/^\d+$/.test(entry.default ?? '') ? entry.default : min}${noLimitText(entry, option, meansNoLimit(text))}`,
  );
}

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

function readDuration(entry: OptionEntry, option: string, text: string): number {
  const { min = 0, max = longestMs } = entry;
  const milliseconds = durationMs(text);
  if (milliseconds === undefined) {
    throw valueError(
      option,
      `invalid duration ${quote(text)}`,
      `Try ${option} 500ms, ${option} 30s, ${option} 1m30s or ${option} 2h.${noLimitText(entry, option, meansNoLimit(text))}`,
    );
  }
  if (milliseconds < min || milliseconds > max) {
    const [word, bound] = milliseconds < min ? ['least', min] : ['most', max];
    const example =
      durationMs(entry.default ?? '') === undefined ? durationText(bound) : entry.default;
    // A time beyond the longest one means none, too.
    const none = noLimitText(entry, option, milliseconds > max || meansNoLimit(text));
    throw valueError(
      option,
      `must be at ${word} ${durationText(bound)}, not ${text}`,
      `For example: ${option} ${example}${none}`,
    );
  }
  return milliseconds;
}

/** `1h30m`, `1.5s`, `250ms`, or plain seconds, in whole milliseconds; undefined if malformed. */
export function durationMs(text: string): number | undefined {
  if (/^\d{1,12}(\.\d{1,9})?$/.test(text)) return Math.ceil(Number(text) * 1000);
  if (!/^(\d{1,12}(\.\d{1,9})?(ms|s|m|h|d))+$/.test(text)) return undefined;
  let total = 0;
  let previous = Number.POSITIVE_INFINITY;
  for (const [, number, unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    const size = unitMs[unit] ?? 0;
    if (size >= previous) return undefined; // 30s1m and 1s1s are typos
    previous = size;
    total += Number(number) * size;
  }
  return Math.ceil(total);
}

/** A duration in milliseconds as an option takes it: `90m`, `30s`, `500ms`. */
export function durationText(ms: number): string {
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000}h`;
  if (ms % 60_000 === 0) return `${ms / 60_000}m`;
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

const unitBytes: Readonly<Record<string, number>> = {
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  t: 1024 ** 4,
};

function readSize(entry: OptionEntry, option: string, text: string): number {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = entry;
  const bytes = sizeBytes(text);
  if (bytes === undefined) {
    throw valueError(
      option,
      `invalid size ${quote(text)}`,
      `Try ${option} 64M, ${option} 1.5G, or a number of bytes. K, M, G and T are powers of 1024.${noLimitText(entry, option, meansNoLimit(text))}`,
    );
  }
  if (bytes < min || bytes > max) {
    throw valueError(
      option,
      `must be at ${bytes < min ? 'least' : 'most'} ${sizeText(bytes < min ? min : max)}, not ${text}`,
      `For example: ${option} ${sizeText(bytes < min ? min : max)}${noLimitText(entry, option, bytes > max || meansNoLimit(text))}`,
    );
  }
  return bytes;
}

/** `512M`, `1.5G`, `64KiB`, or plain bytes, in whole bytes; undefined if malformed. */
export function sizeBytes(text: string): number | undefined {
  const parts = /^(\d{1,15}(?:\.\d{1,9})?)(?:([kmgt])(?:i?b)?|b)?$/i.exec(text);
  if (parts === null) return undefined;
  const [, number = '', unit] = parts;
  if (unit === undefined && number.includes('.')) return undefined; // half a byte
  const bytes = Math.ceil(Number(number) * (unitBytes[unit?.toLowerCase() ?? ''] ?? 1));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** A size as an option takes it: the largest unit in which it is short, `512M`. */
export function sizeText(bytes: number): string {
  for (const [unit, size] of Object.entries(unitBytes).reverse()) {
    if (bytes >= size && (bytes * 10) % size === 0) return `${bytes / size}${unit.toUpperCase()}`;
  }
  return String(bytes);
}

function readVariable(option: string, text: string): readonly [string, string | true] {
  const equals = text.indexOf('=');
  const name = equals < 0 ? text : text.slice(0, equals);
  if (name === '') {
    throw valueError(
      option,
      `missing variable name in ${quote(text)}`,
      `Use ${option} NAME to pass a variable, or ${option} NAME=VALUE to set it.`,
    );
  }
  return [name, equals < 0 ? true : text.slice(equals + 1)];
}

function readSink(option: string, text: string): string | number {
  if (text === '') throw valueError(option, 'the file name is empty', `Write ${option} FILE.`);
  if (!/^\d+$/.test(text)) return text;
  const fd = Number(text);
  if (fd < 1 || fd > 1_048_576) {
    throw valueError(
      option,
      `can't write to descriptor ${text}`,
      `Pass an open descriptor, such as ${option} 3 3>report.json, or ./${text} for a file of that name.`,
    );
  }
  return fd;
}
