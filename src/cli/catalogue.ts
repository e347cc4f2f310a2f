/**
 * Every command with its options and operands, as data: what completion, the manual and
 * the reference are made from.
 */
import { type OptionEntry, runOptionTable } from '../options/index.js';
import { policyVerbs } from './policy/index.js';
import { descriptionOf } from './verb.js';
import type { VerbEntry } from './verb-entry.js';

/** Says what an operand is, by its word in the usage line. */
export type OperandKind =
  | 'program'
  | 'run'
  | 'file'
  | 'policy'
  | 'call'
  | 'group'
  | 'word'
  | 'text';

export interface Operand {
  /** The word of the usage line: `FILE`. */
  readonly word: string;
  readonly kind: OperandKind;
  /** Choices of a `word`. */
  readonly choices: readonly string[];
  readonly repeated: boolean;
}

export interface Command {
  /** The name without `wasbox`: `policy check`. */
  readonly name: string;
  /** A few words, without a full stop. */
  readonly short: string;
  /** One or two sentences. */
  readonly what: string;
  /** The text that follows the name in a usage line, one entry a form. */
  readonly usages: readonly string[];
  readonly options: readonly OptionEntry[];
  readonly operands: readonly Operand[];
}

const kinds: Readonly<Record<string, OperandKind>> = {
  ID: 'run',
  NAME: 'run',
  'NAME|ID': 'run',
  'ID|NAME': 'run',
  PATH: 'file',
  FILE: 'file',
  TRACE: 'file',
  A: 'policy',
  B: 'policy',
  SYSCALL: 'call',
  CALL: 'call',
  '@GROUP': 'group',
};

/** `[ID] [PATH…] [--json]` → ID, PATH: what stands there without an option before it. */
export function operandsOf(name: string, usage: string): Operand[] {
  const withoutOptions = usage.replace(/\[-[^\]]*\]|--?[a-z][\w-]* \S+|--?[a-z][\w-]*/g, ' ');
  return [...withoutOptions.matchAll(/@?[A-Z]+(?:\|[A-Z]+)*\u2026?|[a-z]+(?:\|[a-z]+)+/g)].map(
    ([token]) => {
      const word = token.replace('…', '');
      if (/^[a-z]/.test(word)) {
        return { word, kind: 'word', choices: word.split('|'), repeated: false };
      }
      const policyFile = name.startsWith('policy ') && word === 'FILE' && name !== 'policy import';
      const isPreset = name === 'preset' && word === 'NAME';
      const kind = policyFile ? 'policy' : isPreset ? 'text' : (kinds[word] ?? 'text');
      return { word, kind, choices: [], repeated: token.endsWith('…') };
    },
  );
}

const runCommand = (short: string): Command => ({
  name: 'run',
  short,
  what: 'Run a script or command in a sandbox: no network, an empty home, a read-only system, and a working directory whose changes wait for your review.',
  usages: [
    '[options] <script|command> [args…]',
    '[options] - [args…]',
    '[options] -c CODE [args…]',
  ],
  options: runOptionTable,
  operands: [
    { word: 'script|command', kind: 'program', choices: [], repeated: false },
    { word: 'args', kind: 'file', choices: [], repeated: true },
  ],
});

/** A command by its name, of which no other verb is loaded. */
export async function commandOf(name: string, entry: VerbEntry): Promise<Command> {
  if (name === 'run') return runCommand(entry.what);
  const found = await descriptionOf(await entry.load());
  if (found === undefined) throw new Error(`wasbox ${name} does not describe itself`);
  return {
    name,
    short: entry.what,
    what: found.what,
    usages: [found.usage],
    options: found.options,
    operands: operandsOf(name, found.usage),
  };
}

/** All commands, in the order of the help; those of `policy` in its place. */
export async function commands(verbs: Readonly<Record<string, VerbEntry>>): Promise<Command[]> {
  const all: Command[] = [];
  for (const [name, entry] of Object.entries(verbs)) {
    if (name === 'policy') {
      for (const [below, one] of Object.entries(policyVerbs)) {
        all.push(await commandOf(`policy ${below}`, one));
      }
    } else all.push(await commandOf(name, entry));
  }
  return all;
}

/** Verbs that have verbs below them, with those. */
export const nested: Readonly<Record<string, Readonly<Record<string, VerbEntry>>>> = {
  policy: policyVerbs,
};
