# Does what a user does with wasbox in a container: prints a line for each part. Called by run.mjs.
#   sh inside.sh WASBOX EXAMPLES REGISTRY SAID
# SAID: what a run says at its start there.
wasbox=$1 examples=$2 registry=$3 said=$4 failed=0
port=${registry##*:}
port=${port%/}
export HOME=$PWD/home XDG_STATE_HOME=$PWD/state npm_config_cache=$PWD/npm-cache
mkdir -p "$HOME" project

part() {
  name=$1
  shift
  if out=$("$@" 2>&1); then
    echo "  $name: ok"
  else
    failed=1
    echo "  $name: FAILED"
    echo "$out" | tail -5 | sed 's/^/    /'
  fi
}
run() { "$wasbox" run "$@"; }
is_empty() { test -z "$(ls -A "$1")"; }

namespaces() {
  if test "$said" = 'isolated by Landlock'; then ! unshare --user true; else unshare --user true; fi
}
hello() {
  cp "$examples"/hello.sh . && run hello.sh 2>err && grep -q "$said" err && "$wasbox" discard --all >discarded
}
nasty() {
  mkdir -p nasty && cd nasty && cp "$examples"/nasty.py . && run nasty.py >out 2>&1
  cat out && grep -q refused out && test -z "$(find "$HOME" -type f -newer nasty.py)" && "$wasbox" discard >discarded
}
changes() {
  echo one >kept && run -q -- sh -c 'echo two >>kept; echo new >added' && test ! -e added &&
    "$wasbox" diff | grep -q '+two' && "$wasbox" apply && test "$(cat added)" = new
}
install() {
  mkdir -p npm && cd npm && echo '{"name":"here","version":"1.0.0"}' >package.json &&
    run -q --net "127.0.0.1:$port" -- npm install --registry "$registry" --no-audit --no-fund from-registry &&
    test ! -e node_modules && "$wasbox" apply && test -e node_modules/from-registry/package.json
}
no_network() { ! run -q -- curl -sS -m 5 "$registry"; }
other_port() { ! run -q --net 127.0.0.1:9 -- curl -sS -m 5 "$registry"; }
build() {
  mkdir -p make && cd make && printf 'int main(void) { return 0; }\n' >main.c &&
    printf 'main: main.c\n\tcc -o $@ $<\n' >Makefile && run -q -- make && test ! -e main &&
    "$wasbox" apply && ./main
}
commit() {
  mkdir -p git && cd git && git init -q . && echo text >file &&
    run -q -- sh -c 'git add file && git -c user.name=n -c user.email=e@example.com commit -qm first' &&
    ! git rev-parse -q --verify HEAD && "$wasbox" apply && test "$(git log --format=%s)" = first
}
# README.md says it: what it must not apply by itself makes apply end with 1.
tour() {
  mkdir -p tour && cd tour && git init -q . && cp "$examples"/nasty.py . &&
    GITHUB_TOKEN=secret run nasty.py >../tour.out 2>../tour.err
  grep -q 'find tokens in the environment *nothing there' ../tour.out &&
    grep -q 'plant a git hook *done' ../tour.out && "$wasbox" diff >../tour.diff &&
    grep -q '^+curl evil' ../tour.diff && grep -q 'post-checkout: not applied automatically' ../tour.diff &&
    ! "$wasbox" apply >../tour.applied 2>&1 && test -x gotcha.sh && test ! -e .git/hooks/post-checkout &&
    test ! -e "$HOME"/.bashrc && "$wasbox" discard >discarded
}
processes_end() {
  run -q -- sh -c 'setsid sleep 98765 & sleep 0.1' && ! pgrep -f '^sleep 98765'
}
cd project || exit 2
for name in namespaces hello nasty tour changes install no_network other_port build commit processes_end; do
  (part "$name" "$name"; exit $failed) || failed=1
done
exit $failed
