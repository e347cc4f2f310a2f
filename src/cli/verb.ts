/** The parts that the verbs beside run share: their options, their help, the user's store. */
import { openStore, type Store } from '../changes/index.js';
import { UsageError } from '../errors/index.js';
import { loadNative } from '../native/index.js';
import type { OptionEntry } from '../options/index.js';
import { type ParsedLine, parseLine } from '../options/index.js';
import { displayText } from '../text/index.js';
import { verbHelp } from './help.js';
import { err, out, style } from './terminal.js';
import type { Verb } from './verb-entry.js';

export const userStore = (): Store => openStore(loadNative().native);

export const flag = (name: string, help: string): OptionEntry => ({
  name,
  kind: 'flag',
  group: 'Output',
  help,
  property: name,
  scope: 'cli',
});

export interface VerbDescription {
  readonly name: string;
  /** One sentence. */
  readonly what: string;
  /** The text that follows the name in the usage line. */
  readonly usage: string;
  readonly options: readonly OptionEntry[];
  readonly maxOperands?: number;
  /** True if options end at the first operand, as for everything that runs a command. @default false */
  readonly stopAtOperand?: boolean;
  /** Returns what to do for an option that another command has. */
  readonly elsewhere?: (name: string) => string | undefined;
}

const asker = Symbol.for('wasbox.describe');

/**
 * Holds the function that asks a verb for its description instead of its work. The verbs of `wasbox policy` are a
 * bundle of their own, with a copy of this file: both copies look here.
 */
const place = globalThis as { [asker]?: ((description: VerbDescription) => void) | undefined };

/**
 * Returns what a verb gives to its parser, without running it: the manual, completion and the reference are
 * made from the very description that the command line is read with.
 */
export async function descriptionOf(verb: Verb): Promise<VerbDescription | undefined> {
  let found: VerbDescription | undefined;
  place[asker] = (description) => {
    found = description;
  };
  try {
    await verb(['--help']);
  } finally {
    delete place[asker];
  }
  return found;
}

/** Parses the verb's line; prints its help and returns undefined where that was asked for. */
export function parseVerb(verb: VerbDescription, argv: readonly string[]): ParsedLine | undefined {
  const table = [...verb.options, { ...flag('help', 'print this help'), short: 'h' }];
  const ask = place[asker];
  if (ask !== undefined) {
    ask({ ...verb, options: table });
    return undefined;
  }
  const parsed = parseLine(table, argv, {
    command: `wasbox ${verb.name}`,
    stopAtOperand: verb.stopAtOperand === true,
    elsewhere: verb.elsewhere,
    warn: (text) => err(`${style(2, 'dim', 'wasbox:')} ${displayText(text)}\n`),
  });
  if (parsed.values.help === true) {
    out(verbHelp(verb.what, `${verb.name} ${verb.usage}`, table));
    return undefined;
  }
  const extra = parsed.operands[verb.maxOperands ?? Number.POSITIVE_INFINITY];
  if (extra !== undefined) {
    throw new UsageError('ERR_USAGE', `wasbox ${verb.name}: unexpected argument "${extra}"`, {
      hint: `Usage: wasbox ${verb.name} ${verb.usage}`,
    });
  }
  return parsed;
}
