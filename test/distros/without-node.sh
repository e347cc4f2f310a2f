# sh without-node.sh WASBOX EXAMPLES: every verb where no Node is to be found; a line a part. For run.mjs.
set -eu
wasbox=$1 examples=$2
export XDG_STATE_HOME="$HOME/without-node-state"

fail() {
  echo "$1" >&2
  exit 1
}
same() { [ "$2" = "$3" ] || fail "$1: $2, not $3"; }

# The control: a command that is left to Node says that there is none.
if command -v node >/dev/null; then fail 'there is a node in the PATH'; fi
message=$("$wasbox" run --net bücher.example -- true 2>&1) && fail 'an international name was taken'
case $message in *'node was not found'*) ;; *) fail "$message" ;; esac

cd "$(mktemp -d "$HOME/without-XXXXXX")"
"$wasbox" --version --verbose | grep -q QuickJS
"$wasbox" help >help
"$wasbox" completion bash >completion
"$wasbox" run -q --discard "$examples/hello.sh" >said
"$wasbox" run --discard "$examples/nasty.sh" >nasty 2>blocked
grep -q '^wasbox: blocked:' blocked
echo "ok run"

"$wasbox" run -q -- sh -c 'echo new >made; echo more >>said'
"$wasbox" runs | grep -q made || "$wasbox" runs | grep -q 'sh -c'
"$wasbox" diff | grep -q '^+new$'
"$wasbox" apply >told
same made "$(cat made)" new
"$wasbox" run -q -- sh -c 'echo x >gone'
"$wasbox" discard --all >told
[ ! -e gone ] || fail 'a discarded change is there'
"$wasbox" run -q --apply -- sh -c 'echo now >applied'
same applied "$(cat applied)" now
echo "ok changes"

"$wasbox" run -q --discard --audit --report report.json -- cat made >told
grep -q '"schemaVersion"' report.json
"$wasbox" run -q --discard --html page.html -- true
grep -q '</html>' page.html
status=0
"$wasbox" run --discard -- sh -c 'cat /etc/shadow; exit 3' 2>told || status=$?
same status "$status" 3
status=0
"$wasbox" run -q --discard --timeout 1s -- sleep 60 || status=$?
same status "$status" 124
same piped "$(echo 'echo piped' | "$wasbox" run -q --discard -)" piped
"$wasbox" run -q --discard --net 192.0.2.1 -- true
echo "ok reports"

echo 'include "default"' >own.policy
"$wasbox" policy check own.policy >told
"$wasbox" policy compile own.policy --format raw -o own.bpf
"$wasbox" policy simulate own.policy ptrace >simulated
"$wasbox" run -q --discard --policy own.policy -- true
"$wasbox" learn -q -o ../learned.toml -- cat made >told
same learned "$("$wasbox" run -q --discard --profile ../learned.toml -- cat made)" new
echo "ok policies"

"$wasbox" doctor >doctor
echo "ok doctor"
