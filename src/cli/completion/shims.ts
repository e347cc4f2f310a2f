/** The function of each shell that asks `wasbox completion SHELL -- WORD…` for the last of the words. */

export type Shell = 'bash' | 'zsh' | 'fish';

export const shims: Readonly<Record<Shell, string>> = {
  bash: `# Completions of wasbox for bash: source <(wasbox completion bash)
_wasbox() {
  local cur=\${COMP_WORDS[COMP_CWORD]} line own=
  [[ $cur == [=:@] ]] && cur=
  COMPREPLY=()
  while IFS=$'\\t' read -r line _; do
    case $line in
      :files) own=-f ;;
      :directories) own=-d ;;
      :programs) own=-fc ;;
      *) COMPREPLY+=("$line") ;;
    esac
  done < <("\${COMP_WORDS[0]}" completion bash -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  [[ -n $own ]] || return 0
  compopt -o filenames 2>/dev/null
  mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(compgen "$own" -- "$cur")
}
complete -F _wasbox wasbox
`,
  zsh: `#compdef wasbox
# Completions of wasbox for zsh: source <(wasbox completion zsh), after compinit; or a file _wasbox in fpath.
_wasbox() {
  local line own
  local -a found
  for line in \${(f)"$($words[1] completion zsh -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)"}; do
    [[ $line == :* ]] && own=$line || found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${\${line#*$'\\t'}#$line}")
  done
  [[ $words[CURRENT] == --*=* ]] && compset -P '*='
  (($#found)) && _describe wasbox found
  case $own in
    :files) _files ;;
    :directories) _files -/ ;;
    :programs) _alternative 'files:script:_files' 'commands:command:_command_names -e' ;;
  esac
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _wasbox "$@"; else compdef _wasbox wasbox; fi
`,
  fish: `# Completions of wasbox for fish: wasbox completion fish | source
function __wasbox
    set -l words (commandline -opc)
    set -l last (commandline -ct)
    set -l prefix (string match -r -- '^--[^=]+=' "$last")
    set -l typed (string replace -- "$prefix" '' "$last")
    for line in ($words[1] completion fish -- $words[2..] "$last" 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path "$typed" | string replace -r -- '^' "$prefix"
            case :directories
                __fish_complete_directories "$typed" '' | string replace -r -- '^' "$prefix"
            case :programs
                __fish_complete_path "$typed"
                __fish_complete_command
            case '*'
                printf '%s\\n' "$prefix$line"
        end
    end
end
complete -c wasbox -f -a '(__wasbox)'
`,
};
