/** `wasbox completion`: the completions of bash, zsh and fish. */
import { UsageError } from '../../errors/index.js';
import type { OptionEntry } from '../../options/index.js';
import { commands, nested } from '../catalogue.js';
import { out } from '../terminal.js';
import { parseVerb } from '../verb.js';
import type { Verb, VerbEntry } from '../verb-entry.js';
import { bashScript } from './bash.js';
import { fishScript } from './fish.js';
import { isWordList, wordLists, wordsOf } from './words.js';
import { zshScript } from './zsh.js';

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript };

const wordsOption: OptionEntry = {
  name: 'words',
  kind: 'choice',
  metavar: 'LIST',
  choices: wordLists,
  group: 'Output',
  help: 'print the words of a list instead, one per line, each followed by a tab and its description',
  property: 'words',
  scope: 'cli',
};

type Verbs = Readonly<Record<string, VerbEntry>>;

/** @param verbs all of them; this one is in the table itself */
export const completionVerb =
  (verbs: Verbs): Verb =>
  (argv) =>
    complete(verbs, argv);

async function complete(verbs: Verbs, argv: readonly string[]): Promise<number> {
  const parsed = parseVerb(
    {
      name: 'completion',
      what:
        'Print shell completions.\n' +
        'bash: source <(wasbox completion bash)\n' +
        'zsh: the same, after compinit\n' +
        'fish: wasbox completion fish | source',
      usage: 'bash|zsh|fish',
      options: [wordsOption],
      maxOperands: 1,
    },
    argv,
  );
  if (parsed === undefined) return 0;
  const { words } = parsed.values;
  if (isWordList(words)) {
    for (const [word, about] of await wordsOf(words)) {
      out(about === '' ? `${word}\n` : `${word}\t${about}\n`);
    }
    return 0;
  }
  const [shell = ''] = parsed.operands;
  if (!Object.hasOwn(scripts, shell)) {
    throw new UsageError(
      'ERR_USAGE',
      shell === '' ? 'missing the shell' : `no completions for "${shell}"`,
      { hint: 'Use wasbox completion bash, wasbox completion zsh or wasbox completion fish.' },
    );
  }
  const script = scripts[shell as keyof typeof scripts];
  out(script({ commands: await commands(verbs), verbs, nested }));
  return 0;
}
