/** Completions for zsh, in the words of its `_arguments`. */
import { type OptionEntry, shellQuote } from '../../options/index.js';
import type { Command } from '../catalogue.js';
import type { VerbEntry } from '../verb-entry.js';
import type { CompletionInput } from './bash.js';
import { brief, operandSource, type Source, spellings, takesValue, valueSource } from './model.js';

/** Text inside the brackets or between the colons of a specification. */
const inSpec = (text: string): string => text.replace(/[[\]\\:]/g, (found) => `\\${found}`);

function action(source: Source): string {
  switch (source.from) {
    case 'files':
      return '_files';
    case 'directories':
      return '_files -/';
    case 'programs':
      return ' _wasbox_programs';
    case 'variables':
      return '_parameters -g "*export*"';
    case 'choices':
      return `(${source.words.join(' ')})`;
    case 'list':
      // The space: `_arguments` would put options of its own before the words.
      return ` _wasbox_list ${source.list}${source.files ? ' files' : ''}`;
    default:
      return ' ';
  }
}

function option(entry: OptionEntry): string {
  const names = spellings(entry);
  const exclusive = entry.repeatable === true ? '*' : `(${names.join(' ')})`;
  const value = takesValue(entry)
    ? `:${inSpec(entry.metavar ?? entry.name)}:${action(valueSource(entry))}`
    : '';
  const about = `[${inSpec(brief(entry.help))}]`;
  return names
    .map((name) => {
      const glued = takesValue(entry) ? (name.startsWith('--') ? '=' : '+') : '';
      return shellQuote(`${exclusive}${name}${glued}${about}${value}`);
    })
    .join(' ');
}

function operand(command: Command): string[] {
  return command.operands.map((one, at) => {
    const place = one.repeated ? '*' : `${at + 1}`;
    return shellQuote(`${place}:${inSpec(one.word)}:${action(operandSource(one))}`);
  });
}

function commandCase(command: Command): string {
  const flags = command.name === 'run' ? "-s -S -A '-*'" : '-s -S';
  const specs = [...command.options.map(option), ...operand(command)];
  return `    ${shellQuote(command.name)}) _arguments ${flags} \\
      ${specs.join(' \\\n      ')} ;;`;
}

const described = (table: Readonly<Record<string, VerbEntry>>): string =>
  Object.entries(table)
    .map(([name, { what }]) => shellQuote(`${name}:${inSpec(what)}`))
    .join(' ');

export function zshScript({ commands, verbs, nested }: CompletionInput): string {
  return `#compdef wasbox
# Completions of wasbox for zsh: source <(wasbox completion zsh), after compinit; or a file _wasbox
# in a directory of fpath.

_wasbox_list() {
  local -a found
  local line
  for line in \${(f)"$("$_wasbox_program" completion --words $1 2>/dev/null)"}; do
    found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  _describe $1 found
  [[ $2 == files ]] && _files
}
_wasbox_programs() {
  _alternative 'files:script:_files' 'commands:command:_command_names -e'
}

_wasbox() {
  local curcontext=$curcontext _wasbox_program=$words[1] verb=$words[2]
  local -a verbs
  if ((CURRENT == 2)); then
    verbs=(${described(verbs)})
    _describe command verbs -- && return
    _arguments '--help[print help]' '--version[print the version]'
    return
  fi
  shift words
  ((CURRENT--))
${Object.entries(nested)
  .map(
    ([name, below]) => `  if [[ $verb == ${name} ]]; then
    if ((CURRENT == 2)); then
      verbs=(${described(below)})
      _describe command verbs
      return
    fi
    verb="$verb $words[2]"
    shift words
    ((CURRENT--))
  fi`,
  )
  .join('\n')}
  case $verb in
${commands.map(commandCase).join('\n')}
  esac
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _wasbox "$@"
else
  compdef _wasbox wasbox
fi
`;
}
