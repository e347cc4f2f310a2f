/**
 * Measures which system calls programs make, and writes the mix to ../weights.txt.
 *
 *   node wasm-core/syscalls/gen/measure-weights.mjs
 *
 * Each program counts the same however long it runs: its calls are turned into shares, and the
 * table holds the mean of the shares, in calls of a million. Needs strace and the programs below;
 * one that is missing is named and left out.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PYTHON_SCRIPT =
  'import json,os,re,subprocess\n' +
  'rows=[{"n":i,"t":str(i)} for i in range(2000)]\n' +
  'open("rows.json","w").write(json.dumps(rows))\n' +
  'print(len(json.load(open("rows.json"))), len(os.listdir("/usr/bin")))\n' +
  'subprocess.run(["true"])\n';
const NODE_SCRIPT =
  'const fs=require("fs");for(let i=0;i<200;i++)fs.writeFileSync("f"+i,"x".repeat(i));' +
  'for(let i=0;i<200;i++)fs.readFileSync("f"+i);console.log(fs.readdirSync(".").length)';
const SERVER =
  'import http.server,threading,urllib.request\n' +
  's=http.server.ThreadingHTTPServer(("127.0.0.1",0),http.server.SimpleHTTPRequestHandler)\n' +
  'threading.Thread(target=s.serve_forever,daemon=True).start()\n' +
  'import subprocess\n' +
  'u="http://127.0.0.1:%d/hello.c"%s.server_address[1]\n' +
  '[subprocess.run(["curl","-s","-o","out",u]) for _ in range(5)]\n' +
  '[urllib.request.urlopen(u).read() for _ in range(20)]\n';
const C_PROGRAM = '#include <stdio.h>\nint main(void){puts("hello");return 0;}\n';

/** The programs to run, each in one empty directory that the ones before have worked in. */
const PROGRAMS = [
  ['python3', ['-c', 'pass']],
  ['python3', ['-c', PYTHON_SCRIPT]],
  [
    'python3',
    ['-c', 'import threading;[threading.Thread(target=print).start() for _ in range(20)]'],
  ],
  ['node', ['-e', '0']],
  ['node', ['-e', NODE_SCRIPT]],
  ['gcc', ['-O2', '-o', 'hello', 'hello.c']],
  ['make', ['-f', 'rules']],
  ['sh', ['-c', 'for i in 1 2 3 4 5 6 7 8 9 10; do echo $i | cat >/dev/null; done']],
  ['bash', ['-c', 'x=0; while [ $x -lt 500 ]; do x=$((x+1)); echo $x; done >loop.txt']],
  ['git', ['init', '-q', 'tree']],
  ['git', ['-C', 'tree', 'status']],
  [
    'sh',
    [
      '-c',
      'cd tree && cp ../hello.c . && git add . && git -c user.name=a -c user.email=b commit -qm x && git log',
    ],
  ],
  ['find', ['/usr/lib/python3', '-name', '*.py']],
  ['tar', ['-czf', 'lib.tar.gz', '-C', '/usr/lib', 'python3']],
  ['tar', ['-xzf', 'lib.tar.gz']],
  ['grep', ['-rc', 'import', 'python3']],
  ['perl', ['-e', 'for (1..200) { open my $f, ">", "p$_"; print $f $_; close $f; }']],
  ['sort', ['-o', 'sorted.txt', 'loop.txt']],
  ['python3', ['-c', SERVER]],
  [
    'python3',
    [
      '-c',
      'import sqlite3;d=sqlite3.connect("a.db");d.execute("create table t(x)");[d.execute("insert into t values(?)",(i,)) or d.commit() for i in range(50)]',
    ],
  ],
  ['ls', ['-l', '/usr/bin']],
  ['cp', ['-r', 'python3', 'copy']],
  ['rm', ['-r', 'copy']],
];

/** Calls by name as strace's summary counts them. */
function countCalls(command, args, directory) {
  const output = join(directory, '..', 'summary.txt');
  const { NODE_EXTRA_CA_CERTS: _, ...environment } = process.env;
  const result = spawnSync(
    'strace',
    ['-f', '-c', '-U', 'calls,name', '-o', output, command, ...args],
    {
      cwd: directory,
      env: { ...environment, PATH: '/usr/bin:/bin' },
      stdio: 'ignore',
      timeout: 120_000,
    },
  );
  if (result.status !== 0) return undefined;
  const counts = new Map();
  for (const [, calls, name] of readFileSync(output, 'utf8').matchAll(/^\s*(\d+)\s+(\w+)\s*$/gm))
    if (name !== 'total') counts.set(name, Number(calls));
  return counts;
}

const root = mkdtempSync(join(tmpdir(), 'wasbox-weights-'));
const directory = join(root, 'work');
execFileSync('mkdir', [directory]);
writeFileSync(join(directory, 'hello.c'), C_PROGRAM);
writeFileSync(
  join(directory, 'rules'),
  'all:\n\tgcc -c hello.c\n\tgcc -o hello2 hello.o\n\t./hello2\n',
);

const shares = new Map();
let measured = 0;
for (const [command, args] of PROGRAMS) {
  const counts = countCalls(command, args, directory);
  if (counts === undefined || counts.size === 0) {
    console.error(`left out: ${command} ${args.join(' ').slice(0, 40)}`);
    continue;
  }
  measured++;
  const total = [...counts.values()].reduce((sum, n) => sum + n, 0);
  for (const [name, n] of counts) shares.set(name, (shares.get(name) ?? 0) + n / total);
}
rmSync(root, { recursive: true });

const lines = [...shares]
  .map(([name, share]) => [name, Math.max(1, Math.round((share / measured) * 1e6))])
  .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
  .map(([name, weight]) => `${String(weight).padStart(7)} ${name}`);
const [release, machine] = execFileSync('uname', ['-rm'], { encoding: 'utf8' }).trim().split(' ');
const kernel = `${release.split('.').slice(0, 2).join('.')} ${machine}`;
writeFileSync(
  join(dirname(dirname(fileURLToPath(import.meta.url))), 'weights.txt'),
  `# How often programs make each system call, in calls of a million: the mean over ${measured}\n` +
    `# programs (interpreters, compilers, shells, git, archivers, a web server and client), each\n` +
    `# counted alike. Written by gen/measure-weights.mjs.\n` +
    `# ${new Date().toISOString().slice(0, 10)}, Linux ${kernel}, 2-core virtual machine\n` +
    `${lines.join('\n')}\n`,
);
console.log(`${measured} of ${PROGRAMS.length} programs, ${lines.length} calls`);
