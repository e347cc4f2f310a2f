/** `wasbox completion`: a function for each shell, which asks this verb for the words of a line. */
import { listRuns, sessionNames } from '../../changes/index.js';
import { UsageError } from '../../errors/index.js';
import type { OptionEntry } from '../../options/index.js';
import { listSessions } from '../../owner/index.js';
import { builtinNames, init, listGroups } from '../../policy/index.js';
import { displayText } from '../../text/index.js';
import { commandOf, nested } from '../catalogue.js';
import { out } from '../terminal.js';
import { parseVerb, userStore } from '../verb.js';
import type { Verb, VerbEntry } from '../verb-entry.js';
import { type Shell, shims } from './shims.js';

type Verbs = Readonly<Record<string, VerbEntry>>;

/** Lines of an answer: words, each with a tab and what it is; `:files` and the like has the shell add its own. */
type Lines = readonly string[];

/** Lines for an option's value or an operand, by its kind. */
const sources: Readonly<Record<string, () => Lines | Promise<Lines>>> = {
  program: () => [':programs'],
  file: () => [':files'],
  path: () => [':files'],
  mapping: () => [':files'],
  sink: () => [':files'],
  directory: () => [':directories'],
  variable: () => Object.keys(process.env),
  policy: () => [':files', ...builtinNames().map((name) => `${name}\tbuilt-in policy`)],
  run: () => {
    const runs = listRuns(userStore()).map(
      ({ id, argv }) => `${id}\t${displayText(argv.join(' '))}`,
    );
    const live = listSessions(userStore()).live.map(({ name }) => name);
    const names = new Set([...live, ...sessionNames(userStore()).values()]);
    return [...runs, ...[...names].map((name) => `${name}\tsession`)];
  },
  call: async () => init().then(() => listGroups().get('known') ?? []),
  group: async () =>
    init().then(() => [...listGroups()].map(([name, calls]) => `@${name}\t${calls.length} calls`)),
};

const spellings = ({ name, short }: OptionEntry): string[] =>
  short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`];

const directories = ['workdir', 'chdir'];

function linesOf({ name, kind, choices }: OptionEntry): Lines | Promise<Lines> {
  const key = directories.includes(name) ? 'directory' : name === 'policy' ? name : kind;
  return choices ?? sources[key]?.() ?? [];
}

/** Answers for the last word, TYPED, behind others of a verb, which alone is loaded. */
async function linesFor(verbs: Verbs, before: string[], typed: string): Promise<Lines> {
  let name = '';
  let entry: VerbEntry | undefined;
  for (let table: Verbs | undefined = verbs; table !== undefined; table = nested[name]) {
    const word = before.shift();
    if (word === undefined)
      return [
        ...Object.entries(table).map(([verb, { what }]) => `${verb}\t${what}`),
        '--help',
        '--version',
      ];
    entry = Object.hasOwn(table, word) ? table[word] : undefined;
    name = `${name} ${word}`.trim();
  }
  if (entry === undefined) return [];
  const { options, operands } = await commandOf(name, entry);
  const valued = (word: string) =>
    options.find((one) => one.kind !== 'flag' && spellings(one).includes(word));
  let option: OptionEntry | undefined;
  let count = 0;
  let ended = false;
  for (const word of before) {
    if (option !== undefined) option = undefined;
    else if (!ended && word === '--') ended = true;
    else if (!ended && /^-./.test(word)) option = valued(word);
    else {
      count++;
      ended ||= name === 'run'; // what follows belongs to the program
    }
  }
  option ??= ended ? undefined : valued(/^--[^=]+(?==)/.exec(typed)?.[0] ?? '');
  if (option !== undefined) return linesOf(option);
  if (!ended && typed.startsWith('-'))
    return options.flatMap((one) => spellings(one).map((word) => `${word}\t${one.help}`));
  const operand = operands[count] ?? operands.findLast(({ repeated }) => repeated);
  return operand?.kind === 'word'
    ? operand.choices
    : ((await sources[operand?.kind ?? '']?.()) ?? []);
}

/** Bash parts words at `=`, `:` and `@`, and replaces the last part: the words, and how much of the last stays. */
function joined(parts: readonly string[]): { words: string[]; kept: number } {
  const words: string[] = [];
  let kept = 0;
  for (const [at, part] of parts.entries()) {
    const isGlued = at > 0 && (/^[=:]$/.test(part) || /^[=:@]$/.test(parts[at - 1] ?? ''));
    const before = isGlued ? (words.pop() ?? '') : '';
    words.push(before + part);
    kept = before.length + (/^[=:@]$/.test(part) ? 1 : 0);
  }
  return { words, kept };
}

const isShell = (name: string): name is Shell => Object.hasOwn(shims, name);

/** @param verbs all of them; this one is in the table itself */
export const completionVerb =
  (verbs: Verbs): Verb =>
  async (argv) => {
    const what =
      'Print shell completions.\nbash: source <(wasbox completion bash)\nzsh: the same, after compinit\n' +
      'fish: wasbox completion fish | source';
    const parsed = parseVerb(
      { name: 'completion', what, usage: 'bash|zsh|fish', options: [] },
      argv,
    );
    if (parsed === undefined) return 0;
    const [shell = '', ...parts] = parsed.operands;
    if (!isShell(shell)) {
      const hint = 'Use wasbox completion bash, wasbox completion zsh or wasbox completion fish.';
      const text = shell === '' ? 'missing the shell' : `no completions for "${shell}"`;
      throw new UsageError('ERR_USAGE', text, { hint });
    }
    if (parts.length === 0) {
      out(shims[shell]);
      return 0;
    }
    const { words, kept } = shell === 'bash' ? joined(parts) : { words: parts, kept: 0 };
    const last = words.pop() ?? '';
    const value = /^--[^=]+=/.exec(last)?.[0].length ?? 0;
    for (const line of await linesFor(verbs, words, last)) {
      if (line.startsWith(':')) out(`${line}\n`);
      else if (line.startsWith(last.slice(value)))
        out(`${line.slice(Math.max(kept - value, 0))}\n`);
    }
    return 0;
  };
