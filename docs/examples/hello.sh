#!/bin/sh
# A harmless script: says who it is and what it can see.
echo "Hello from sh, arguments: $*"
echo "I am $(id -un) (uid $(id -u)) in $(pwd), process $$ on $(hostname)"
echo "my home, $HOME: $(ls -A "$HOME" 2>&1 | tr '\n' ' ')"
echo "the working directory has $(ls -A | wc -l) entries"
