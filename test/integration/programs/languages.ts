/** Interpreters and virtual machines. */
import { file, type Program, shell } from './row.js';

const python = (name: string, code: string, rest: Partial<Program> = {}): Program => ({
  name: `python ${name}`,
  packages: ['python3', 'python3-venv'],
  argv: ['python3', 'main.py'],
  ...rest,
  files: { 'main.py': code, ...rest.files },
});

const node = (name: string, code: string, rest: Partial<Program> = {}): Program => ({
  name: `node ${name}`,
  packages: [],
  argv: ['node', 'main.mjs'],
  ...rest,
  files: { 'main.mjs': code, ...rest.files },
});

export const languages: readonly Program[] = [
  python(
    'sqlite',
    `import sqlite3
db = sqlite3.connect('people.db')
db.execute('pragma journal_mode=wal')
db.execute('create table p(name text, age int)')
with db: db.executemany('insert into p values(?,?)', [('ada', 36), ('alan', 41)])
print(db.execute('select sum(age), group_concat(name) from p').fetchall(), sqlite3.sqlite_version)
db.close()`,
    { prints: '77', writes: ['people.db'] },
  ),
  python(
    'multiprocessing',
    `import multiprocessing as mp
def square(n): return n * n
if __name__ == '__main__':
    for method in ('fork', 'spawn', 'forkserver'):
        with mp.get_context(method).Pool(2) as pool: print(method, pool.map(square, range(10)))
    lock = mp.Lock(); value = mp.Value('i', 0)
    with lock: value.value += 3
    print(value.value)`,
    { prints: 'forkserver [0, 1, 4' },
  ),
  shell(
    'python venv',
    ['python3', 'python3-venv'],
    `python3 -m venv --without-pip env
env/bin/python -c 'import sys; print(sys.prefix != sys.base_prefix, sys.executable.endswith("env/bin/python"))'
rm -r env`,
    { prints: 'True True' },
  ),
  python(
    'asyncio and subprocess',
    `import asyncio
async def echo(r, w):
    w.write(await r.readline()); await w.drain(); w.close()
async def main():
    server = await asyncio.start_server(echo, '127.0.0.1', 0)
    port = server.sockets[0].getsockname()[1]
    r, w = await asyncio.open_connection('127.0.0.1', port)
    w.write(b'hello\\n'); print(await r.readline()); w.close()
    p = await asyncio.create_subprocess_exec('echo', 'child', stdout=asyncio.subprocess.PIPE)
    print((await p.communicate())[0], p.returncode)
asyncio.run(main())`,
    { prints: 'child' },
  ),
  python(
    'ssl',
    `import ssl, hashlib, secrets
context = ssl.create_default_context()
print(len(context.get_ca_certs()) > 50, context.minimum_version.name, ssl.OPENSSL_VERSION)
print(hashlib.scrypt(b'a', salt=b'b', n=1024, r=8, p=1).hex(), len(secrets.token_bytes(8)))`,
    { prints: 'True' },
  ),
  python(
    'ctypes, mmap, fcntl, select',
    `import ctypes, mmap, fcntl, select, os, resource, signal
libc = ctypes.CDLL(None)
print(libc.strlen(b'four'), libc.abs(-5))
area = mmap.mmap(-1, 8192); area[:3] = b'abc'; print(area[:3])
with open('lock', 'w') as f: fcntl.flock(f, fcntl.LOCK_EX); fcntl.lockf(f, fcntl.LOCK_EX); print('locked')
r, w = os.pipe(); os.write(w, b'x'); print(len(select.epoll().poll(0)), select.select([r], [], [], 1)[0] == [r])
print(os.sched_getaffinity(0) != set(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 0)
signal.signal(signal.SIGALRM, lambda *_: print('alarm')); signal.setitimer(signal.ITIMER_REAL, 0.02); signal.pause()
print(os.memfd_create('m') > 0, os.getrandom(4) != b'', os.eventfd(1) > 0)`,
    { prints: 'alarm', writes: ['lock'] },
  ),
  python(
    'threads, queues, locale, zones',
    `import threading, queue, locale, zoneinfo, datetime, decimal, json, socket
q = queue.Queue()
ts = [threading.Thread(target=lambda i=i: q.put(i)) for i in range(20)]
[t.start() for t in ts]; [t.join() for t in ts]
print(sorted(q.queue), locale.setlocale(locale.LC_ALL, ''))
print(datetime.datetime(2024, 7, 1, 12, tzinfo=zoneinfo.ZoneInfo('Europe/Paris')).astimezone(datetime.timezone.utc))
a, b = socket.socketpair(); a.sendall(b'hi'); print(b.recv(2), socket.getaddrinfo('localhost', 80, socket.AF_INET)[0][4])
print(decimal.Decimal(1) / 7, json.dumps({'é': [1, None]}))`,
    { prints: '10:00:00+00:00' },
  ),
  python(
    'exception',
    `import sys
print('before', flush=True)
def deep(): raise ValueError('wrong')
deep()`,
    { status: 1, prints: 'before' },
  ),
  node(
    'worker threads',
    `import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
if (isMainThread) {
  const all = [1, 2, 3].map((n) => new Promise((ok) => new Worker(new URL(import.meta.url), { workerData: n }).on('message', ok)));
  console.log(await Promise.all(all));
} else parentPort.postMessage(workerData ** 3);`,
    { prints: '27' },
  ),
  node(
    'http and fetch on localhost',
    `import http from 'node:http';
const server = http.createServer((q, s) => q.pipe(s)).listen(0, '127.0.0.1', async () => {
  const url = 'http://localhost:' + server.address().port;
  const answer = await fetch(url.replace('localhost', '127.0.0.1'), { method: 'POST', body: 'ping' });
  console.log(answer.status, await answer.text());
  server.close(); server.closeAllConnections();
});`,
    { prints: '200 ping' },
  ),
  node(
    'streams, zlib, fs, child processes',
    `import { pipeline } from 'node:stream/promises';
import fs from 'node:fs'; import zlib from 'node:zlib'; import crypto from 'node:crypto';
import { execFileSync } from 'node:child_process'; import { Readable } from 'node:stream';
await pipeline(Readable.from(['a'.repeat(1e6)]), zlib.createGzip(), fs.createWriteStream('a.gz'));
console.log(crypto.createHash('sha256').update(zlib.gunzipSync(fs.readFileSync('a.gz'))).digest('hex'));
console.log(execFileSync('node', ['-p', '6*7'], { encoding: 'utf8' }).trim());
fs.mkdirSync('d/e', { recursive: true }); fs.renameSync('a.gz', 'd/e/b.gz'); fs.symlinkSync('e', 'd/l');
console.log(fs.readdirSync('d', { recursive: true }).sort(), fs.statSync('d/l/b.gz').size > 0);`,
    { prints: '42', writes: ['d/e/b.gz'] },
  ),
  shell(
    'npm init and npm pack',
    [],
    'npm init -y >/dev/null; npm pkg set name=demo version=1.2.3; cat package.json; npm pack --silent',
    {
      env: { npm_config_update_notifier: 'false' }, // it would ask the registry, and tell of a newer npm
      prints: '"name": "demo"',
      writes: ['package.json', 'demo-1.2.3.tgz'],
    },
  ),
  file(
    'perl',
    ['perl'],
    ['perl', 'main.pl'],
    'main.pl',
    `use strict; use List::Util 'sum'; use Digest::SHA 'sha1_hex';
use File::Temp; use POSIX; use threads; use Socket; use IPC::Open3;
print sum(1..100), ' ', sha1_hex('a'), ' ', join('', sort map { chr } 97..105), "\\n";
my $t = threads->create(sub { 7 }); print $t->join, "\\n"; my $f = File::Temp->new; print $f 'x'; print \`echo sub\`;
print POSIX::strftime('%Y', gmtime 0), "\\n"; my $pid = fork // die; exit 3 unless $pid; waitpid $pid, 0; print $? >> 8, "\\n";`,
    { prints: '5050' },
  ),
  file(
    'ruby',
    ['ruby'],
    ['ruby', 'main.rb'],
    'main.rb',
    `require 'json'; require 'digest'; require 'set'; require 'socket'; require 'tempfile'
puts JSON.generate({a: [1, 2.5, nil]}), Digest::SHA256.hexdigest('x')
puts Array.new(4) { |i| Thread.new { i * i } }.map(&:value).inspect
s = TCPServer.new('127.0.0.1', 0); t = Thread.new { c = s.accept; c.puts 'hi'; c.close }
puts TCPSocket.new('127.0.0.1', s.addr[1]).gets; t.join; r, w = IO.pipe; fork { w.puts 'child'; exit! }; Process.wait; puts r.gets`,
    { prints: 'child' },
  ),
  file(
    'php',
    ['php-cli'],
    ['php', 'main.php'],
    'main.php',
    `<?php
echo json_encode(array_map(fn($x) => $x ** 2, range(1, 5))), PHP_EOL, hash('sha256', 'x'), PHP_EOL;
file_put_contents('o.txt', str_repeat('ab', 3)); echo strrev(file_get_contents('o.txt')), PHP_EOL;
echo preg_replace('/(\\w+) (\\w+)/', '$2 $1', 'hello world'), PHP_EOL; echo shell_exec('echo from shell'); exit(9);`,
    { status: 9, prints: 'world hello', writes: ['o.txt'] },
  ),
  file(
    'lua',
    ['lua5.4'],
    ['lua5.4', 'main.lua'],
    'main.lua',
    `local t = {} for i = 1, 5 do t[#t + 1] = i * i end
print(table.concat(t, ','), _VERSION, string.format('%q', 'a\\nb'))
local f = assert(io.open('l.txt', 'w')) f:write('lua') f:close() print(io.popen('cat l.txt'):read('a'))
local co = coroutine.wrap(function() coroutine.yield(1) coroutine.yield(2) end) print(co(), co())`,
    { prints: '1,4,9,16,25', writes: ['l.txt'] },
  ),
  file(
    'tclsh',
    ['tcl'],
    ['tclsh', 'main.tcl'],
    'main.tcl',
    `puts [lsort -integer {3 1 2}]; puts [expr {2**40}]
set f [open t.txt w]; puts $f [clock format 0 -gmt 1]; close $f; puts [exec cat t.txt]; proc fib n {expr {$n<2?$n:[fib [incr n -1]]+[fib [incr n -1]]}}; puts [fib 15]`,
    { prints: '610', writes: ['t.txt'] },
  ),
  file(
    'guile',
    ['guile-3.0'],
    ['guile', '--no-auto-compile', 'main.scm'],
    'main.scm',
    `(use-modules (ice-9 threads) (srfi srfi-1))
(display (par-map (lambda (x) (* x x)) (iota 6))) (newline) (display (fold + 0 (iota 101))) (newline) (exit 4)`,
    { status: 4, prints: '5050' },
  ),
  file(
    'java',
    ['default-jdk-headless'],
    ['java', '-Xshare:auto', 'Main.java'],
    'Main.java',
    `import java.util.*; import java.util.stream.*; import java.nio.file.*; import java.util.concurrent.*;
public class Main { public static void main(String[] a) throws Exception {
  System.out.println(IntStream.range(0, 1000).parallel().filter(i -> i % 7 == 0).sum());
  ExecutorService e = Executors.newFixedThreadPool(3); System.out.println(e.submit(() -> "task").get()); e.shutdown();
  Files.writeString(Path.of("j.txt"), "java"); System.out.println(Files.readString(Path.of("j.txt"))); System.exit(5); } }`,
    { status: 5, prints: 'task', writes: ['j.txt'] },
  ),
  shell(
    'dash',
    ['dash'],
    `dash -c 'f() { echo "$#: $*"; }; f a "b c"; x=5; echo $((x * 3)); trap "echo bye" EXIT; for i in 1 2 3; do printf "%02d " $i; done; echo; (exit 3) || echo "rc $?"'`,
    { prints: 'bye' },
  ),
  file(
    'bash',
    ['bash'],
    ['bash', 'main.sh'],
    'main.sh',
    `declare -A m=([a]=1 [b]=2); echo "\${m[a]}\${m[b]}" "\${BASH_VERSINFO[0]}"
diff <(printf '1\\n2\\n') <(printf '1\\n3\\n'); coproc cat; echo ping >&"\${COPROC[1]}"; read -r x <&"\${COPROC[0]}"; echo "$x"
cat <<< "here"; mapfile -t l < <(seq 3); echo "\${#l[@]}"; sleep 5 & kill %1; wait; exec 3>fd; echo three >&3; kill -TERM $$`,
    { prints: 'ping', status: 143 },
  ),
  shell(
    'awk (mawk and gawk)',
    ['mawk', 'gawk'],
    `for a in mawk gawk; do printf 'a 1\\nb 2\\na 3\\n' | $a '{ s[$1] += $2 } END { for (k in s) print k, s[k] | "sort"; close("sort"); print substr("hello", 2, 3), length() }'; done`,
    { prints: 'a 4' },
  ),
  shell(
    'bc and dc',
    ['bc', 'dc'],
    `echo 'scale=40; 4*a(1); 2^200' | bc -l; echo '16 i DEADBEEF p 2 64 ^ p' | dc`,
    { prints: '3735928559' },
  ),
  shell(
    'm4',
    ['m4'],
    `printf 'define(\`sq\\x27, \`eval($1 * $1)\\x27)sq(12) esyscmd(\`echo shell\\x27)' | sed "s/\\\\\\\\x27/'/g" | m4`,
    { prints: '144' },
  ),
];
