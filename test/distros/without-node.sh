# sh without-node.sh WASBOX EXAMPLES: every verb where no Node is to be found; a line a part. For run.mjs.
set -eu
wasbox=$1 examples=$2
export XDG_STATE_HOME="$HOME/without-node-state"

fail() {
  echo "$1" >&2
  exit 1
}
same() { [ "$2" = "$3" ] || fail "$1: $2, not $3"; }

cd "$(mktemp -d "$HOME/without-XXXXXX")"

# The control: a command that is left to Node says that there is none.
if command -v node >/dev/null; then fail 'there is a node in the PATH'; fi
needs_node() {
  what=$1
  shift
  message=$("$wasbox" "$@" 2>&1 </dev/null) && fail "$* needs no node"
  case $message in "wasbox: $what need Node.js, and node was not found in PATH"*) ;; *) fail "$*: $message" ;; esac
}
needs_node 'international domain names' run --net bücher.example -- true
needs_node images image ls
needs_node images run --image nosuch.example/none -- true
needs_node sessions session start
needs_node sessions exec none -- true
needs_node 'MCP servers' mcp
needs_node workers worker --queue jobs
echo "ok refusals"

"$wasbox" --version --verbose | grep -q QuickJS
"$wasbox" help >help
for shell in bash zsh fish; do
  "$wasbox" completion "$shell" >completion
  grep -q wasbox completion
done
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

"$wasbox" run --discard -- sh -c 'cat /etc/shadow' >told 2>&1 || true
"$wasbox" why --rerun >why 2>&1 || true # exits as the command does
grep -q shadow why
"$wasbox" preset list | grep -q npm
"$wasbox" preset show npm >preset
same ps "$("$wasbox" ps)" 'Nothing runs.'
same sessions "$("$wasbox" session ls)" 'No session runs.'
same sh "$("$wasbox" sh -c 'echo "from sh"' 2>told)" 'from sh'
"$wasbox" discard --all >told 2>&1 || true
# Without a terminal, a question is a no.
status=0
"$wasbox" run --discard --ask -- unshare -U true 2>asked </dev/null || status=$?
same asked "$status" 1
echo "ok others"

"$wasbox" bench --json >bench
grep -q '"wasbox run"' bench
echo "ok bench"

"$wasbox" doctor >doctor
echo "ok doctor"
