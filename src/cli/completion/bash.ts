/** Completions for bash; they need nothing but bash. */
import type { Command } from '../catalogue.js';
import type { VerbEntry } from '../verb-entry.js';
import { operandSource, type Source, spellings, takesValue, valued, valueSource } from './model.js';

export interface CompletionInput {
  readonly commands: readonly Command[];
  readonly verbs: Readonly<Record<string, VerbEntry>>;
  readonly nested: Readonly<Record<string, Readonly<Record<string, VerbEntry>>>>;
}

/** The command that fills COMPREPLY from a source. */
function fill(source: Source): string {
  switch (source.from) {
    case 'files':
      return '_wasbox_files';
    case 'directories':
      return '_wasbox_files -d';
    case 'programs':
      return '_wasbox_programs';
    case 'variables':
      return '_wasbox_take "$(compgen -e -- "$cur")"';
    case 'choices':
      return `_wasbox_words '${source.words.join(' ')}'`;
    case 'list':
      if (source.list === 'groups') return '_wasbox_groups';
      return `_wasbox_list ${source.list}${source.files ? ' && _wasbox_files' : ''}`;
    default:
      return ':';
  }
}

function valueCases({ name, options }: Command): string[] {
  return options.filter(takesValue).map(
    (entry) =>
      `    ${spellings(entry)
        .map((option) => `'${name} ${option}'`)
        .join(' | ')}) ${fill(valueSource(entry))} ;;`,
  );
}

function operandCases({ name, operands }: Command): string[] {
  return operands.map((operand, at) => {
    const last = operand.repeated ? `'${name} '*` : `'${name} ${at}'`;
    return `    ${last}) ${fill(operandSource(operand))} ;;`;
  });
}

const optionCase = ({ name, options }: Command): string =>
  `    '${name}') _wasbox_words '${options.flatMap(spellings).join(' ')}' ;;`;

export function bashScript({ commands, verbs, nested }: CompletionInput): string {
  return `# Completions of wasbox for bash: source <(wasbox completion bash)

_wasbox_take() {
  local IFS=$'\\n'
  COMPREPLY+=($1)
}
_wasbox_words() { _wasbox_take "$(compgen -W "$1" -- "$cur")"; }
_wasbox_list() { _wasbox_words "$("\${COMP_WORDS[0]}" completion --words "$1" 2>/dev/null | cut -f1)"; }
# "@" parts words, so that what is completed stands behind it.
_wasbox_groups() {
  local groups
  groups=$("\${COMP_WORDS[0]}" completion --words groups 2>/dev/null | cut -f1)
  if [[ $cur == @ ]]; then
    cur=''
  elif [[ $COMP_CWORD -gt 0 && \${COMP_WORDS[COMP_CWORD - 1]} != @ ]]; then
    _wasbox_words "$groups"
    return
  fi
  _wasbox_words "\${groups//@/}"
}
_wasbox_files() {
  compopt -o filenames 2>/dev/null
  _wasbox_take "$(compgen "\${1:--f}" -- "$cur")"
}
_wasbox_programs() {
  _wasbox_files
  [[ $cur == */* ]] || _wasbox_take "$(compgen -c -- "$cur")"
}

# A value of an option; the first argument is the command and the option.
_wasbox_value() {
  case $1 in
${commands.flatMap(valueCases).join('\n')}
  esac
}
# An operand; the first argument is the command and the operand's position.
_wasbox_operand() {
  case $1 in
${commands.flatMap(operandCases).join('\n')}
  esac
}
_wasbox_options() {
  case $1 in
${commands.map(optionCase).join('\n')}
  esac
}
_wasbox_takes_value() {
  case $1 in
${commands
  .filter((command) => valued(command).length > 0)
  .map(
    (command) =>
      `    ${valued(command)
        .map((option) => `'${command.name} ${option}'`)
        .join(' | ')}) return 0 ;;`,
  )
  .join('\n')}
  esac
  return 1
}

_wasbox() {
  local cur=\${COMP_WORDS[COMP_CWORD]} verb='' option='' word i count=0 ended=0
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ -n $option && $word == = ]]; then
      continue
    elif [[ -n $option ]]; then
      option=''
    elif [[ -z $verb && $word != -* ]]; then
      verb=$word
    elif [[ ${Object.keys(nested)
      .map((name) => `$verb == ${name}`)
      .join(' || ')} && $word != -* ]]; then
      verb="$verb $word"
    elif [[ $ended == 0 && $word == -- ]]; then
      ended=1
    elif [[ $ended == 0 && $word == -?* ]]; then
      _wasbox_takes_value "$verb $word" && option=$word
    else
      count=$((count + 1))
      [[ $verb == run ]] && ended=1
    fi
  done
  [[ $cur == = ]] && cur=''
  if [[ -n $option ]]; then
    _wasbox_value "$verb $option"
  elif [[ -z $verb ]]; then
    _wasbox_words '${Object.keys(verbs).join(' ')} --help --version'
${Object.entries(nested)
  .map(
    ([name, below]) => `  elif [[ $verb == ${name} ]]; then
    _wasbox_words '${Object.keys(below).join(' ')} --help'`,
  )
  .join('\n')}
  elif [[ $ended == 0 && $cur == -* ]]; then
    _wasbox_options "$verb"
  else
    _wasbox_operand "$verb $count"
  fi
}
complete -F _wasbox wasbox
`;
}
