/** The manual page wasbox(1), in man(7) macros, from the same tables as the help. */
import { errorMeanings } from '../errors/index.js';
import type { OptionEntry } from '../options/index.js';
import { type Command, commands } from './catalogue.js';
import { verbs } from './verbs.js';

/** Text of a manual page: no line of it is taken for a request, no hyphen for a dash. */
export function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('…', '...')
    .replaceAll('’', "'")
    .replaceAll(
      /[^\n\x20-\x7e]/g,
      (odd) => `\\[u${odd.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}]`,
    )
    .replaceAll(/^([.'])/gm, '\\&$1');
}

const bold = (text: string): string => `\\fB${roff(text)}\\fR`;
const italic = (text: string): string => `\\fI${roff(text)}\\fR`;

function optionEntry(entry: OptionEntry): string[] {
  const value = entry.metavar === undefined ? '' : ` ${italic(entry.metavar)}`;
  const short = entry.short === undefined ? '' : `${bold(`-${entry.short}`)}${value}, `;
  const more = [
    ...(entry.default === undefined ? [] : [`Default: ${entry.default}.`]),
    ...(entry.repeatable === true ? ['Can be repeated.'] : []),
  ];
  const help = entry.help.charAt(0).toUpperCase() + entry.help.slice(1);
  return ['.TP', `${short}${bold(`--${entry.name}`)}${value}`, roff(`${help}.`), ...more.map(roff)];
}

function optionSections(options: readonly OptionEntry[]): string[] {
  const groups = [...new Set(options.map(({ group }) => group))];
  return groups.flatMap((group) => [
    `.SS ${roff(group)}`,
    ...options.filter((entry) => entry.group === group).flatMap(optionEntry),
  ]);
}

/** `FILE [--arch ARCH]` with its literal words bold and the others italic. */
const usageLine = (usage: string): string =>
  usage
    .split(/([\s[\]|,:]+)/)
    .map((part) => {
      if (/^-|^[a-z]+$/.test(part)) return bold(part);
      return /^@?[A-Z<]/.test(part) ? italic(part) : roff(part);
    })
    .join('');

function commandEntry(command: Command): string[] {
  const usages = command.usages.map(
    (usage) => `${bold(`wasbox ${command.name}`)} ${usageLine(usage)}`,
  );
  const [first = '', ...more] = usages;
  const own = command.options.filter(({ name }) => name !== 'help');
  const texts = command.what.split('\n').flatMap((line, at) => (at === 0 ? [line] : ['', line]));
  return [
    '.TP',
    first,
    ...more.flatMap((usage) => ['.TQ', usage]),
    ...texts.flatMap((line) => (line === '' ? ['.br'] : [roff(line)])),
    ...(own.length === 0 ? [] : ['.RS', ...own.flatMap(optionEntry), '.RE']),
  ];
}

const statuses: readonly (readonly [string, string])[] = [
  ['3', 'The program exited 0, and --apply could not apply all of its changes.'],
  ['124', 'A time limit was reached.'],
  ['125', 'wasbox itself failed, or the command line is wrong.'],
  ['126', 'The program cannot be executed.'],
  ['127', 'The program was not found.'],
  ['128+n', 'The program was killed by signal n.'],
];

const examples: readonly (readonly [string, string])[] = [
  [
    'wasbox run script.py a b',
    'Run a script. Its #! line or extension picks the interpreter; it need not be executable.',
  ],
  ['wasbox run -- make test', 'Run a command.'],
  ['curl -fsSL https://example.com/x | wasbox run -', 'Run a script from standard input.'],
  ['wasbox run --apply -- npm install', 'Apply the changes if it exits 0.'],
  ['wasbox policy simulate default socket AF_INET SOCK_STREAM', 'Show what a policy decides.'],
];

/** Breaks text lines at spaces, as editors of the source expect; the page fills them again. */
function fold(line: string): string {
  if (line.startsWith('.') || line.length <= 80) return line;
  const at = line.lastIndexOf(' ', 80);
  if (at <= 0) return line;
  const rest = line.slice(at + 1).replace(/^[.']/, '\\&$&');
  return `${line.slice(0, at)}\n${fold(rest)}`;
}

/** The whole page. */
export async function manualPage(version: string, date: string): Promise<string> {
  const all = await commands(verbs);
  const run = all.filter(({ name }) => name === 'run');
  const others = all.filter(({ name }) => name !== 'run' && !name.startsWith('policy '));
  const policy = all.filter(({ name }) => name.startsWith('policy '));
  const lines = [
    '.ds AD l', // groff cannot justify a usage without a space
    `.TH WASBOX 1 ${date} "wasbox ${version}" "User Commands"`,
    '.SH NAME',
    'wasbox \\- run untrusted code in a sandbox',
    '.SH SYNOPSIS',
    ...run.flatMap(({ usages }) =>
      usages.flatMap((usage, at) => [
        ...(at === 0 ? [] : ['.br']),
        `${bold('wasbox run')} ${usageLine(usage)}`,
      ]),
    ),
    '.br',
    `${bold('wasbox')} ${italic('COMMAND')} ${roff('[options]')}`,
    '.SH DESCRIPTION',
    ...run.map(({ what }) => roff(what)),
    'It needs no root, no daemon, no image and no configuration.',
    'Changes to the working directory are saved for you to review, apply or discard.',
    '.SH OPTIONS OF RUN',
    'Options end at the script or command, or at',
    `${bold('--')}.`,
    ...run.flatMap(({ options }) => optionSections(options)),
    '.SH COMMANDS',
    ...others.flatMap(commandEntry),
    '.SH POLICY COMMANDS',
    ...policy.flatMap(commandEntry),
    '.SH EXIT STATUS',
    bold('wasbox run'),
    "exits with the program's own status, or with:",
    ...statuses.flatMap(([status, meaning]) => ['.TP', bold(status), roff(meaning)]),
    '.PP',
    'The other commands exit 0 on success, 1 if the answer is no or the input is invalid, and 2',
    'for a usage error. apply exits 3 if a change that it was to apply was not applied.',
    '.SH ERRORS',
    'Each error has one of these codes, in JSON reports as well.',
    ...Object.entries(errorMeanings).flatMap(([code, meaning]) => [
      '.TP',
      bold(code),
      roff(meaning.replaceAll('`', '')),
    ]),
    '.SH EXAMPLES',
    ...examples.flatMap(([command, about]) => ['.TP', bold(command), roff(about)]),
    '.SH SEE ALSO',
    `${bold('seccomp')}(2), ${bold('user_namespaces')}(7), ${bold('landlock')}(7), ${bold('bwrap')}(1)`,
  ];
  return `${lines.map(fold).join('\n')}\n`;
}
