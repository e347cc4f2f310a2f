/** Help texts, made from the option table. */
import { type OptionEntry, runOptionTable } from '../options/index.js';
import { type VerbEntry, verbLines } from './verb-entry.js';

const width = 80;

/** Breaks words into lines of at most `room` characters. */
function wrap(text: string, room: number): string[] {
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

/** Options of a table, group by group. */
export function optionHelp(table: readonly OptionEntry[]): string {
  const groups = [...new Set(table.map((entry) => entry.group))];
  return groups
    .map((group) =>
      [`${group}:`, ...table.filter((entry) => entry.group === group).flatMap(optionLines)].join(
        '\n',
      ),
    )
    .join('\n\n');
}

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

/** At most 25 lines: what people use, and where the rest is. */
export function shortHelp(): string {
  const common = (runOptionTable as readonly OptionEntry[]).flatMap(
    ({ name, metavar, brief }): string[] => {
      const shown = metavar?.replace(/\[.*?\]/g, '').replace('none|host|internet|', '');
      const head = `  --${name}${shown === undefined ? '' : ` ${shown}`}`;
      return brief === undefined ? [] : [`${head.padEnd(20)} ${brief}`];
    },
  );
  return `wasbox runs untrusted code in a sandbox: no network, an empty home, a read-only
system, and a copy-on-write working directory.

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

export function runHelp(): string {
  return `Run a script or command in a sandbox: no network, an empty home, a read-only
system, and a copy-on-write working directory.

Usage: wasbox run [options] <script|command> [args…]
       wasbox run [options] - [args…]             the script is read from stdin
       wasbox run [options] -c CODE [args…]

${optionHelp(runOptionTable)}

Options end at the first operand or at --.

Every limit except --grace can be "none". Core files are never written: setting
RLIMIT_CORE (ulimit -c) succeeds but has no effect.

Exit status: the program's; 124 for a time limit (clock or processor); 137 for
another limit; 125 if wasbox itself failed; 126 if the program cannot be executed;
127 if it was not found; 128+n if it was killed by signal n.

Examples:
  wasbox run script.py --fast               run a script; its changes are saved for review
  wasbox run --apply -- npm install         apply the changes if it succeeds
  wasbox run --net host -- pip download x   with the host's network
  wasbox run --ro ~/data:/data analyse.R    mount a directory of home read-only
`;
}
