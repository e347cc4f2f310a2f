/**
 * A profile: a TOML file that holds options of a run, by the keys of the option table, and
 * may hold a policy. It is read only if the user names it. One in a place that the payload may write to,
 * or is reached through it, came with the untrusted code: it can tighten a sandbox and nothing else.
 */
import { posix } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { UsageError } from '../errors/index.js';
import type { Host } from '../host/index.js';
import type { RunOptions } from '../options/index.js';
import {
  joinMapping,
  type OptionEntry,
  readValue,
  runOptionTable,
  suggest,
} from '../options/index.js';
import { profileFileText } from './file.js';
import { keptWithin, readShown } from './learned-paths.js';
import { linesBefore, placeOfItem, placeOfKey } from './positions.js';
import { isExposed } from './untrusted.js';

/** A policy in the profile itself. */
const policyTextKey = 'policy-text';
/** The key for what `wasbox learn` keeps for the next time; it allows nothing. */
const learnedKey = 'learned';

const rows: readonly OptionEntry[] = runOptionTable;

/** Keys that can only tighten, and with which value. */
const tightening: Readonly<Record<string, (value: unknown) => boolean>> = {
  'files.hide': () => true,
  'files.hide-secrets': (value) => value === true,
  net: (value) => value === 'none',
  'net-deny': () => true,
  'limits.timeout': () => true,
  'limits.cpu': () => true,
  [policyTextKey]: () => true,
};

/** Places by the property of an option, one for each item. */
export type ProfilePlaces = Readonly<Record<string, readonly string[]>>;

/** A profile as it was read. */
export interface Profile {
  /** The name as the user gave it. */
  readonly name: string;
  /** Options, and `policyText`. */
  readonly options: RunOptions;
  /** Where each item of an option stands, for messages: `p.toml:5: files.read-only`. */
  readonly places: ProfilePlaces;
  readonly policyText: string | undefined;
  /** The directory that relative names in it start from. */
  readonly directory: string;
  /** True if it may only tighten; its policy is then held against the built-in one. */
  readonly untrusted: boolean;
  /** True if `wasbox learn` made it. */
  readonly learned: boolean;
}

class ProfileReader {
  readonly #name: string;
  readonly #text: string;
  readonly #directory: string;
  readonly #home: string | undefined;
  readonly #untrusted: boolean;

  constructor(name: string, text: string, directory: string, host: Host, untrusted: boolean) {
    this.#name = name;
    this.#text = text;
    this.#directory = directory;
    this.#home = host.env.HOME;
    this.#untrusted = untrusted;
  }

  #at(key: string, place: number | undefined): string {
    return `${this.#name}${place === undefined ? '' : `:${place}`}: ${key}`;
  }

  #fail(key: string, problem: string, hint: string): UsageError {
    const at = this.#at(key, placeOfKey(this.#text, key));
    return new UsageError('ERR_PROFILE', `${at}: ${problem}`, { hint });
  }

  read(): Profile {
    const values: Record<string, unknown> = {};
    const places: Record<string, string[]> = {};
    let policyText: string | undefined;
    const table = this.#parse();
    for (const [key, value] of this.#flat(table, '')) {
      if (this.#untrusted && tightening[key]?.(value) !== true) throw this.#loosens(key);
      if (key === policyTextKey) {
        if (typeof value !== 'string') {
          throw this.#fail(key, 'must be text', `Write ${key} = '''…'''.`);
        }
        policyText = linesBefore(this.#text, key) + value;
        continue;
      }
      const entry = rows.find(({ profileKey }) => profileKey === key);
      if (entry === undefined) throw this.#unknown(key);
      values[entry.property] = this.#value(entry, key, value);
      places[entry.property] = [value]
        .flat()
        .map((item) => this.#at(key, placeOfItem(this.#text, key, item)));
    }
    const shown = readShown(table[learnedKey]);
    if (shown === undefined) {
      throw this.#fail(learnedKey, '`shown` must be a list of paths', 'Run wasbox learn again.');
    }
    if (values.ro !== undefined) values.ro = keptWithin(values.ro as string[], shown);
    if (policyText !== undefined && values.policy !== undefined) {
      throw this.#fail(policyTextKey, 'cannot be used with policy', 'Remove one of them.');
    }
    return {
      name: this.#name,
      options: values as RunOptions,
      places,
      policyText,
      directory: this.#directory,
      untrusted: this.#untrusted,
      learned: table[learnedKey] !== undefined,
    };
  }

  #parse(): Record<string, unknown> {
    try {
      return parse(this.#text);
    } catch (error) {
      if (!(error instanceof TomlError)) throw error;
      const [what = 'malformed'] = error.message
        .replace(/^Invalid TOML document: /, '')
        .split('\n');
      throw new UsageError('ERR_PROFILE', `${this.#name}:${error.line}:${error.column}: ${what}`, {
        hint: 'A profile is TOML: https://toml.io. For example: net = "none"',
        cause: error,
      });
    }
  }

  /** Keys with the names of their tables; `env` is a value, and what was learned is left out. */
  *#flat(table: Record<string, unknown>, prefix: string): Generator<[string, unknown]> {
    for (const [name, value] of Object.entries(table)) {
      const key = prefix + name;
      if (key === learnedKey) continue;
      const isTable = typeof value === 'object' && value !== null && !Array.isArray(value);
      const group = rows.some(({ profileKey }) => profileKey?.startsWith(`${key}.`) === true);
      if (isTable && group) yield* this.#flat(value as Record<string, unknown>, `${key}.`);
      else yield [key, value];
    }
  }

  #unknown(key: string): UsageError {
    const known = [...rows.flatMap(({ profileKey }) => profileKey ?? []), policyTextKey];
    const tables = [...new Set(known.flatMap((one) => /^(.*)\./.exec(one)?.[1] ?? []))];
    if (tables.includes(key)) {
      return this.#fail(key, 'must be a table', `Write [${key}], and its keys on the lines below.`);
    }
    const table = suggest(key, [...tables, 'env']);
    const near = known.find((one) => one.endsWith(`.${key}`)) ?? table ?? suggest(key, known);
    return this.#fail(
      key,
      'unknown key',
      near === undefined ? `Keys of a profile: ${known.join(', ')}.` : `Did you mean ${near}?`,
    );
  }

  #loosens(key: string): UsageError {
    return this.#fail(
      key,
      'a profile inside the sandboxed directory can only tighten the sandbox',
      `It may have come with the code. Use the option on the command line, or move the profile elsewhere. Allowed here: ${Object.keys(tightening).join(', ')}.`,
    );
  }

  #value(entry: OptionEntry, key: string, value: unknown): unknown {
    if (entry.kind === 'flag') {
      if (typeof value === 'boolean') return value ? (entry.value ?? true) : undefined;
      throw this.#fail(key, 'must be true or false', `Write ${key} = true.`);
    }
    if (entry.kind === 'variable') return this.#variables(key, value);
    const many = entry.repeatable === true;
    if (many && !Array.isArray(value)) {
      throw this.#fail(key, 'must be a list', `Write ${key} = ["…"].`);
    }
    if (entry.kind === 'network' && Array.isArray(value)) {
      return value.map((one) => this.#one(entry, key, one));
    }
    return many
      ? (value as unknown[]).map((one) => this.#one(entry, key, one))
      : this.#one(entry, key, value);
  }

  #one(entry: OptionEntry, key: string, value: unknown): unknown {
    const good = typeof value === 'string' || typeof value === 'number';
    if (!good) throw this.#fail(key, 'must be text or a number', `Write ${key} = "…".`);
    try {
      const read = readValue(entry, key, String(value));
      if (entry.kind === 'mapping')
        return this.#path(String(read), (one) => joinMapping(one) ?? one);
      return entry.kind === 'path' ? this.#path(String(read)) : read;
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      throw this.#fail(key, error.message.replace(`${key}: `, ''), error.hint ?? '');
    }
  }

  /** Returns the path from the profile's directory, and with home for `~/`; a pattern that starts with `**` stays. */
  #path(path: string, written = (start: string) => start): string {
    if (path.startsWith('/') || path.startsWith('**')) return path;
    if (path === '~' || path.startsWith('~/')) {
      return `${written(this.#home ?? '~')}${path.slice(1)}`;
    }
    return posix.join(written(this.#directory), path);
  }

  #variables(key: string, value: unknown): Record<string, string | true> {
    const good =
      typeof value === 'object' &&
      value !== null &&
      Object.values(value).every((one) => typeof one === 'string' || one === true);
    if (!good || Array.isArray(value)) {
      throw this.#fail(key, 'variables must be text or true', `Write [${key}] NAME = "value".`);
    }
    return value as Record<string, string | true>;
  }
}

/**
 * Reads the profile that the options name; undefined where they name none.
 * @throws UsageError with the place in the file
 */
export function readProfile(
  options: RunOptions,
  host: Host,
  workdir: { readonly path: string; readonly name: string },
): Profile | undefined {
  const { profile: name } = options;
  if (name === undefined) return undefined;
  const path = posix.resolve(host.cwd() ?? '/', name);
  const text = profileFileText(host, name, path);
  const untrusted =
    isExposed(options, host, workdir.path, path) || isExposed(options, host, workdir.name, path);
  return new ProfileReader(name, text, posix.dirname(path), host, untrusted).read();
}
