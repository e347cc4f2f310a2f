/** The commands as the three shells need them. */
import type { OptionEntry } from '../../options/index.js';
import type { Command, Operand } from '../catalogue.js';
import type { WordList } from './words.js';

/** Where the words of an option's value or of an operand come from. */
export type Source =
  | { readonly from: 'nothing' | 'files' | 'directories' | 'programs' | 'variables' }
  | { readonly from: 'choices'; readonly words: readonly string[] }
  | { readonly from: 'list'; readonly list: WordList; readonly files: boolean };

/** Words of an option's value. */
export function valueSource(entry: OptionEntry): Source {
  if (entry.choices !== undefined) return { from: 'choices', words: entry.choices };
  if (entry.name === 'policy') return { from: 'list', list: 'policies', files: true };
  if (entry.name === 'workdir' || entry.name === 'chdir') return { from: 'directories' };
  if (entry.kind === 'variable') return { from: 'variables' };
  return { from: ['path', 'mapping', 'sink'].includes(entry.kind) ? 'files' : 'nothing' };
}

/** Words of an operand. */
export function operandSource(operand: Operand): Source {
  switch (operand.kind) {
    case 'program':
      return { from: 'programs' };
    case 'file':
      return { from: 'files' };
    case 'word':
      return { from: 'choices', words: operand.choices };
    case 'run':
      return { from: 'list', list: 'runs', files: false };
    case 'call':
      return { from: 'list', list: 'calls', files: false };
    case 'group':
      return { from: 'list', list: 'groups', files: false };
    case 'policy':
      return { from: 'list', list: 'policies', files: true };
    default:
      return { from: 'nothing' };
  }
}

export const takesValue = (entry: OptionEntry): boolean => entry.kind !== 'flag';

/** How an option is written: `--net`, and `-q` where it has a letter. */
export const spellings = (entry: OptionEntry): string[] => [
  `--${entry.name}`,
  ...(entry.short === undefined ? [] : [`-${entry.short}`]),
];

/** Names of the options of a command that take a value, in every spelling. */
export const valued = (command: Command): string[] =>
  command.options.filter(takesValue).flatMap(spellings);

/** Help that fits beside a word: its first sentence or clause. */
export const brief = (text: string): string => text.split(/: |; |, in /)[0] ?? text;
