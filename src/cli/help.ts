/** Help texts, made from the option table. */
import { type OptionEntry, runOptionTable } from '../options/index.js';
import { type VerbEntry, verbLines } from './verb-entry.js';

const width = 80;

/** Breaks paragraphs into lines of at most `room` characters. */
function wrap(text: string, room: number): string[] {
  return text.split('\n').flatMap((paragraph) => wrapParagraph(paragraph, room));
}

function wrapParagraph(text: string, room: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > room) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

function optionLines(entry: OptionEntry): string[] {
  const short = entry.short === undefined ? '    ' : `-${entry.short}, `;
  const value = entry.metavar === undefined ? '' : ` ${entry.metavar}`;
  const head = `  ${short}--${entry.name}${value}`;
  const text = entry.default === undefined ? entry.help : `${entry.help} [${entry.default}]`;
  const indent = 28;
  const [first = '', ...more] = wrap(text, width - indent);
  const pad = ' '.repeat(indent);
  return head.length < indent - 1
    ? [head.padEnd(indent) + first, ...more.map((line) => pad + line)]
    : [head, ...[first, ...more].map((line) => pad + line)];
}

const groupsOf = (table: readonly OptionEntry[]): string[] => [
  ...new Set(table.map(({ group }) => group)),
];

/** Options of a table, group by group. */
export function optionHelp(table: readonly OptionEntry[]): string {
  return groupsOf(table)
    .map((group) =>
      [`${group}:`, ...table.filter((entry) => entry.group === group).flatMap(optionLines)].join(
        '\n',
      ),
    )
    .join('\n\n');
}

/** More options of `wasbox run` than these are not repeated in the help of another command. */
const repeatedMax = 8;

/** Lines of at most 80 columns. */
export const paragraph = (text: string): string => wrap(text, width).join('\n');

/** The help of a command: its own options, and where the others are. */
export function verbHelp(what: string, usage: string, table: readonly OptionEntry[]): string {
  const ofRun = new Set<OptionEntry>(runOptionTable);
  const shared = table.filter((entry) => ofRun.has(entry));
  const isLong = shared.length > repeatedMax;
  const shown = isLong
    ? table.filter((entry) => !ofRun.has(entry) || ['quiet', 'verbose'].includes(entry.name))
    : table;
  const rest = isLong ? `\nThe options of a run work here, too: wasbox run --help\n` : '';
  const begin = 'Usage: ';
  const lines = wrap(`wasbox ${usage}`, width - begin.length);
  const usages = `${begin}${lines.join(`\n${' '.repeat(begin.length)}`)}`;
  return `${paragraph(what)}\n\n${usages}\n\n${optionHelp(shown)}\n${rest}`;
}

/** Words for `wasbox run --help WORD`: the group, or the group that has the option. */
function groupOf(word: string): string | undefined {
  const table: readonly OptionEntry[] = runOptionTable;
  const groups = groupsOf(table);
  const lower = word.toLowerCase();
  return (
    groups.find((group) => group.toLowerCase().startsWith(lower)) ??
    table.find(({ name }) => name === lower)?.group ??
    groups.find((group) => group.toLowerCase().includes(lower))
  );
}

const groupWords = (): string =>
  groupsOf(runOptionTable)
    .map((group) => group.toLowerCase().split(' ', 1)[0])
    .join(', ');

export function generalHelp(verbs: Readonly<Record<string, VerbEntry>>): string {
  return `wasbox runs untrusted code in a sandbox, with one command.

Usage: wasbox [run] [options] <script|command> [args…]
       wasbox COMMAND [options]

A word that is no command is what to run: wasbox script.py means wasbox run script.py.

Commands:
${verbLines(verbs)}

Examples:
  wasbox run script.py              a script (by its #! line or extension)
  wasbox run -- make test           a command
  curl … | wasbox run -             a script from stdin
  wasbox run --lang python -c 'print(1)'

See wasbox COMMAND --help, and wasbox --version --verbose for what is installed.
`;
}

/** Returns at most 25 lines: what people use, and where the rest is. */
export function shortHelp(): string {
  const common = (runOptionTable as readonly OptionEntry[]).flatMap(
    ({ name, metavar, brief }): string[] => {
      const shown = metavar?.replace(/\[.*?\]/g, '').replace('none|host|internet|', '');
      const head = `  --${name}${shown === undefined ? '' : ` ${shown}`}`;
      return brief === undefined ? [] : [`${head.padEnd(20)} ${brief}`];
    },
  );
  return `wasbox runs untrusted code in a sandbox: no network, an empty home, a read-only
system, and a working directory whose changes wait for your review.

  wasbox script.py [args…]         run a script (by its #! line or extension)
  wasbox run -- make test          run a command
  curl … | wasbox run -            run a script from stdin

${common.join('\n')}

Afterwards:
  wasbox diff, apply, discard      review, apply or drop what it changed
  wasbox why                       what it lacked, and which option gives it
  wasbox ps, stop                  what runs now

Options go before the script or command. All of them: wasbox run --help
All commands: wasbox --help
`;
}

/** @param word a group of options, or an option of it; all of them without one that exists */
export function runHelp(word?: string): string {
  const group = word === undefined ? undefined : groupOf(word);
  if (group !== undefined) {
    return `${optionHelp(runOptionTable.filter((entry) => entry.group === group))}

All options: wasbox run --help
Groups: ${groupWords()}
`;
  }
  return `Run a script or command in a sandbox: no network, an empty home, a read-only
system, and a working directory whose changes wait for your review.

Usage: wasbox run [options] <script|command> [args…]
       wasbox run [options] - [args…]             the script is read from stdin
       wasbox run [options] -c CODE [args…]

${optionHelp(runOptionTable)}

Options end at the script or command, or at --. One group of options alone:
wasbox run --help GROUP (${groupWords()}).

Every limit except --grace can be "none". Core files are never written: setting
RLIMIT_CORE (ulimit -c) succeeds but has no effect.

Exit status: the program's; 3 if that is 0 and --apply could not apply all;
124 for a time limit (clock or processor); 137 for another limit; 125 if wasbox
itself failed; 126 if the program cannot be executed; 127 if it was not found;
128+n if it was killed by signal n.

Examples:
  wasbox run script.py --fast             run a script; changes wait for review
  wasbox run --apply -- npm install       apply the changes if it succeeds
  wasbox run --net host -- pip download x with the host's network
  wasbox run --ro ~/data:/data analyse.R  mount a directory of home read-only
`;
}
