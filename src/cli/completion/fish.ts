/** Completions for fish. */
import type { OptionEntry } from '../../options/index.js';
import type { Command, Operand } from '../catalogue.js';
import type { CompletionInput } from './bash.js';
import { brief, operandSource, type Source, takesValue, valued, valueSource } from './model.js';

const quote = (text: string): string => `'${text.replace(/['\\]/g, (found) => `\\${found}`)}'`;

/** Returns the words for `-a`; empty where fish's own files will do. */
function words(source: Source): string {
  switch (source.from) {
    case 'choices':
      return `-a ${quote(source.words.join(' '))}`;
    case 'list':
      return `-a '(__wasbox_words ${source.list})'`;
    case 'programs':
      return "-a '(__fish_complete_command)'";
    case 'variables':
      return "-a '(set --names --export)'";
    case 'directories':
      return "-a '(__fish_complete_directories)'";
    default:
      return '';
  }
}

/** Returns `-F` if file names belong to it, otherwise `-f`. */
const files = (source: Source): string =>
  source.from === 'files' || source.from === 'programs' || (source.from === 'list' && source.files)
    ? '-F'
    : '-f';

function option(command: Command, entry: OptionEntry): string {
  const parts = [`complete -c wasbox -n ${quote(`__wasbox_at options ${command.name}`)}`];
  parts.push(`-l ${entry.name}`);
  if (entry.short !== undefined) parts.push(`-s ${entry.short}`);
  if (takesValue(entry)) {
    const source = valueSource(entry);
    parts.push('-r', files(source), words(source));
  }
  parts.push(`-d ${quote(brief(entry.help))}`);
  return parts.filter((part) => part !== '').join(' ');
}

function operand(command: Command, one: Operand, at: number): string {
  const source = operandSource(one);
  const place = one.repeated ? `${at}+` : `${at}`;
  const condition = quote(`__wasbox_at ${place} ${command.name}`);
  return `complete -c wasbox -n ${condition} ${files(source)} ${words(source)}`.trimEnd();
}

export function fishScript({ commands, verbs, nested }: CompletionInput): string {
  const run = commands.find(({ name }) => name === 'run');
  const all = [...new Set(commands.filter((one) => one !== run).flatMap(valued))];
  const verb = (name: string, what: string, condition: string) =>
    `complete -c wasbox -n ${quote(condition)} -a ${name} -d ${quote(what)}`;
  return `# Completions of wasbox for fish: wasbox completion fish | source

function __wasbox_words
    set -l program (commandline -opc)[1]
    $program completion --words $argv[1] 2>/dev/null
end

# __wasbox_at WHERE COMMAND…: whether the cursor is in that command, and there where options may
# stand ("options"), at the operand of that number ("1"), or at that one or a later one ("1+").
function __wasbox_at
    set -l where $argv[1]
    set -l command $argv[2..]
    set -l tokens (commandline -opc)[2..]
    set -l length (count $command)
    test (count $tokens) -ge $length; or return 1
    test "$tokens[1..$length]" = "$command"; or return 1
    set -l valued ${all.join(' ')}
    test "$command" = run; and set valued ${run === undefined ? '' : valued(run).join(' ')}
    set -l operands 0
    set -l ended no
    set -l value no
    for token in $tokens[(math $length + 1)..]
        if test $value = yes
            set value no
        else if test $ended = no; and test "$token" = --
            set ended yes
        else if test $ended = no; and string match -q -- '-*' "$token"; and test "$token" != -
            contains -- "$token" $valued; and set value yes
        else
            set operands (math $operands + 1)
            test "$command" = run; and set ended yes
        end
    end
    # A word after an option that takes a value is not an operand; fish itself asks for the value.
    test "$where" = options; or test $value = no; or return 1
    switch $where
        case options
            test $ended = no
        case '*+'
            test $operands -ge (string trim -r -c + $where)
        case '*'
            test $operands -eq $where
    end
end

function __wasbox_first
    test (count (commandline -opc)) -eq 1
end
function __wasbox_below
    test (count (commandline -opc)) -eq 2; and test (commandline -opc)[2] = $argv[1]
end

complete -c wasbox -f
complete -c wasbox -n __wasbox_first -l help -d 'print help'
complete -c wasbox -n __wasbox_first -l version -d 'print the version'
${Object.entries(verbs)
  .map(([name, { what }]) => verb(name, what, '__wasbox_first'))
  .join('\n')}
${Object.entries(nested)
  .flatMap(([parent, below]) =>
    Object.entries(below).map(([name, { what }]) => verb(name, what, `__wasbox_below ${parent}`)),
  )
  .join('\n')}
${commands
  .flatMap((command) => [
    ...command.options.map((entry) => option(command, entry)),
    ...command.operands.map((one, at) => operand(command, one, at)),
  ])
  .join('\n')}
`;
}
