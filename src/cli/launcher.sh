# Finds the native command by test and read alone, which start no process, and becomes it. `$0` may be a link of a
# package manager's; the file itself is in `bin`, beside `native`.
at=${0%/*}
[ "$at" != "$0" ] || at=.
for dist in "$at/.." "$at/../wasbox/dist" "$at/../lib/node_modules/wasbox/dist" \
  "$at/../install/global/node_modules/wasbox/dist" ''; do
  [ ! "$dist/bin/wasbox.bin" -ef "$0" ] || break
done
[ -n "$dist" ] || { dist=$(readlink -f "$0") && dist=${dist%/*} && dist=${dist%/*}; }
# Linux 6.1 says what it runs on; before, the dynamic linker's name does.
machine=
read -r machine 2>/dev/null </proc/sys/kernel/arch
if [ -z "$machine" ]; then
  for loader in /lib64/ld-linux-x86-64.so.2 /lib/ld-musl-x86_64.so.1; do
    [ ! -e "$loader" ] || machine=x86_64
  done
  for loader in /lib/ld-linux-aarch64.so.1 /lib/ld-musl-aarch64.so.1; do
    [ ! -e "$loader" ] || machine=${machine:+unknown}
    [ -n "$machine" ] || [ ! -e "$loader" ] || machine=aarch64
  done
fi
case $machine in
x86_64) native=$dist/native/linux-x64/wasbox ;;
aarch64) native=$dist/native/linux-arm64/wasbox ;;
*) native= ;;
esac
[ -z "$native" ] || [ ! -x "$native" ] || exec "$native" "$@"
exec node "$dist/cli.cjs" "$@"
