/**
 * Command lines by a table of options: `--name value`, `--name=value`, `-n value`,
 * `-nvalue`, flags together (`-qv`). Nothing is guessed: what the table does not know is an error.
 */
import { UsageError } from '../errors/index.js';
import { foreignOption } from './foreign-options.js';
import { shellQuote } from './quoting.js';
import type { RunArguments } from './run-options.js';
import { suggest } from './suggest.js';
import { type OptionEntry, plannedOptions, runOptionTable } from './table.js';
import { readValue, valueError } from './values.js';

export interface ParsedLine {
  /** Values by property of the table. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly operands: readonly string[];
}

export interface ParseSettings {
  /** The command, for hints: `wasbox run`. */
  readonly command: string;
  /** True if options end at the first operand, as for everything that runs a command. */
  readonly stopAtOperand: boolean;
  /** Returns what to do for an option that another command has; undefined for one of none. */
  readonly elsewhere?: ((name: string) => string | undefined) | undefined;
  /** Takes warnings about options that have a new name. */
  readonly warn?: ((text: string) => void) | undefined;
}

/** Reads the arguments after `wasbox run`. */
export function parseRunArguments(
  argv: readonly string[],
  warn?: (text: string) => void,
): RunArguments {
  const { values, operands } = parseLine(runOptionTable, argv, {
    command: 'wasbox run',
    stopAtOperand: true,
    warn,
  });
  if (values.help !== undefined || values.version === true) return values;
  if (values.code !== undefined) return { ...values, args: operands };
  const [command, ...args] = operands;
  return command === undefined ? values : { ...values, command, args };
}

/**
 * Reads `argv` by `table`. `--help` and `--version` end the reading, so that they work whatever
 * else is on the line.
 * @throws UsageError for what the table does not know, and for values of the wrong form
 */
export function parseLine(
  table: readonly OptionEntry[],
  argv: readonly string[],
  settings: ParseSettings,
): ParsedLine {
  return new LineParser(table, argv, settings).parse();
}

const isList = ({ metavar = '' }: OptionEntry): boolean => metavar.endsWith(',…');

/** Returns whether an option that is given twice means both lists, as in other tools; `none` is no list. */
const joins = (entry: OptionEntry, all: readonly unknown[]): boolean =>
  entry.kind === 'text' && isList(entry) && !all.includes('none');

function twice(entry: OptionEntry, option: string, all: readonly unknown[]): UsageError {
  const isJoined = isList(entry) && all.every((one) => typeof one === 'string');
  return new UsageError('ERR_USAGE', `${option} was given more than once`, {
    hint: isJoined ? `Use it once: ${option} ${shellQuote(all.join(','))}` : 'Use it once.',
  });
}

class LineParser {
  private readonly table: readonly OptionEntry[];
  private readonly argv: readonly string[];
  private readonly settings: ParseSettings;
  private readonly values: Record<string, unknown> = Object.create(null);
  /** Options by property, as they were written, for messages about contradictions. */
  private readonly written = new Map<string, { entry: OptionEntry; option: string }>();
  private position = 0;

  constructor(table: readonly OptionEntry[], argv: readonly string[], settings: ParseSettings) {
    this.table = table;
    this.argv = argv;
    this.settings = settings;
  }

  parse(): ParsedLine {
    const operands: string[] = [];
    while (this.position < this.argv.length) {
      const argument = this.argv[this.position++] ?? '';
      if (argument === '--') {
        return this.line(operands);
      }
      if (argument === '-' || !argument.startsWith('-')) {
        operands.push(argument);
        if (!this.settings.stopAtOperand) continue;
        return this.line(operands);
      }
      if (argument.startsWith('--')) this.long(argument);
      else this.short(argument);
      if (this.values.help !== undefined || this.values.version === true) break;
    }
    this.position = this.argv.length;
    return this.line(operands);
  }

  /** Returns the parsed values, and the rest of the line as it is. push(...rest) would overflow the stack on a long line. */
  private line(operands: readonly string[]): ParsedLine {
    const rest = this.argv.slice(this.position);
    return { values: { ...this.values }, operands: operands.concat(rest) };
  }

  private long(argument: string): void {
    const equals = argument.indexOf('=');
    const name = equals < 0 ? argument.slice(2) : argument.slice(2, equals);
    const option = `--${name}`;
    const entry = this.table.find((row) => row.name === name || row.formerName === name);
    if (entry === undefined) throw this.unknown(option, name);
    if (entry.name !== name) this.settings.warn?.(`${option} is now --${entry.name}`);
    if (entry.kind !== 'flag') {
      this.set(entry, option, equals < 0 ? this.next(entry, option) : argument.slice(equals + 1));
    } else if (equals < 0) {
      this.set(entry, option, undefined);
    } else {
      throw valueError(option, 'takes no value', `Use ${option} alone.`);
    }
  }

  private short(argument: string): void {
    for (let index = 1; index < argument.length; index++) {
      const letter = argument[index] ?? '';
      const option = `-${letter}`;
      const entry = this.table.find((row) => row.short === letter);
      if (entry === undefined) throw this.unknownShort(argument, option);
      if (entry.kind === 'flag') {
        this.set(entry, option, undefined, entry.shortValue);
        continue;
      }
      const rest = argument.slice(index + 1);
      this.set(entry, option, rest === '' ? this.next(entry, option) : rest);
      return;
    }
  }

  private next(entry: OptionEntry, option: string): string {
    const like = entry.valueLike;
    if (like !== undefined && !new RegExp(like).test(this.argv[this.position] ?? '')) return '';
    const value = this.argv[this.position++];
    if (value !== undefined) return value;
    throw valueError(
      option,
      'needs a value',
      `Use ${option} ${entry.metavar ?? 'VALUE'}. See ${this.settings.command} --help.`,
    );
  }

  private set(
    entry: OptionEntry,
    option: string,
    text: string | undefined,
    flag: string | true = entry.value ?? true,
  ): void {
    const value = text === undefined ? flag : readValue(entry, option, text);
    const before = this.written.get(entry.property);
    this.written.set(entry.property, { entry, option });
    if (entry.kind === 'variable') {
      const [name, content] = value as readonly [string, string | true];
      const record = (this.values[entry.property] ?? {}) as Record<string, string | true>;
      this.values[entry.property] = { ...record, [name]: content };
    } else if (entry.repeatable === true) {
      const list = (this.values[entry.property] ?? []) as readonly unknown[];
      this.values[entry.property] = [...list, value];
    } else if (before === undefined) {
      this.values[entry.property] = value;
    } else if (before.entry !== entry) {
      throw new UsageError('ERR_USAGE', `${before.option} cannot be used with ${option}`, {
        hint: 'Use one of them.',
      });
    } else if (entry.kind !== 'flag') {
      const all = [this.values[entry.property], value];
      if (!joins(entry, all)) throw twice(entry, option, all.flat());
      this.values[entry.property] = all.join(',');
    }
  }

  private unknown(option: string, name: string): UsageError {
    const help = `See ${this.settings.command} --help.`;
    if (this.table === runOptionTable && plannedOptions.includes(name)) {
      return new UsageError('ERR_OPTION_UNKNOWN', `${option} is not available in this version`, {
        hint: `Nothing was started. ${help}`,
      });
    }
    const makesSandbox = this.table.some((row) => row.property === 'net');
    const foreign =
      this.settings.elsewhere?.(name) ?? (makesSandbox ? foreignOption(name) : undefined);
    if (foreign !== undefined) {
      return new UsageError('ERR_OPTION_UNKNOWN', `unknown option ${option}`, { hint: foreign });
    }
    const near = suggest(
      name,
      this.table.map((row) => row.name),
    );
    const guess = near === undefined ? '' : `Did you mean --${near}? `;
    return new UsageError('ERR_OPTION_UNKNOWN', `unknown option ${option}`, {
      hint: `${guess}${help}`,
    });
  }

  private unknownShort(argument: string, option: string): UsageError {
    const { command, stopAtOperand } = this.settings;
    if (!stopAtOperand && /^-\d/.test(argument)) {
      return new UsageError('ERR_OPTION_UNKNOWN', `unknown option ${argument}`, {
        hint: `To pass an argument that starts with -, put it after --: ${command} … -- ${argument}`,
      });
    }
    const name = argument.slice(1);
    const long = this.table.find((row) => row.name === name);
    if (long !== undefined) {
      return new UsageError('ERR_OPTION_UNKNOWN', `unknown option ${argument}`, {
        hint: `Did you mean --${long.name}?`,
      });
    }
    // A letter says what it means in other tools; no word is near to a single letter.
    const letter = option.slice(1);
    return foreignOption(name) === undefined
      ? this.unknown(option, letter)
      : this.unknown(argument, name);
  }
}
