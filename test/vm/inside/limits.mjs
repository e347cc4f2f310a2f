// Inside the virtual machine: each limit, held by a cgroup or by the supervisor, what the report says of it, and
// what is left behind.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { cli, fail, finish, front, check as holds, runProgram } from './case.mjs';

const parent = '/sys/fs/cgroup/user';
/** Says what is to hold: without a delegated cgroup the supervisor does, and is seen beside it. */
const heldBy = process.argv[2] ?? 'cgroup';
/** Exact with a cgroup. The supervisor is late on an emulated processor: then the figures are shown, and
 * only that the limit held is asked for. */
const exact = heldBy === 'cgroup';

const wasbox = (...words) => runProgram(['--discard', ...words]);
const js = (code) => ['--', 'node', '-e', code];

function check(name, run, facts) {
  const { outcome, usage: use, sandbox } = run.report ?? {};
  const seen = use
    ? `${Math.round(use.memoryBytes / 1048576)} MiB, ${use.processes} tasks, ${Math.round(use.cpuMs)} ms CPU`
    : 'no report';
  const what = `${outcome?.kind} ${outcome?.limit ?? ''} by ${sandbox?.heldBy}`;
  holds(`${name}: ${what}; ${seen}`, run, facts);
}

const left = () => readdirSync(parent).filter((name) => name.startsWith('wasbox-'));

/** A run of the native command in a shell; `kill` says after which command of the shell it is killed. */
function sleepIn(seconds, kill) {
  const words = [front, 'run', '-q', '--discard', '--', 'sleep', seconds];
  const shell = `"$@" & p=$!; ${kill}; kill -9 $p; wait $p`;
  const argv = kill === undefined ? words : ['sh', '-c', shell, 'sh', ...words];
  return spawnSync(argv[0], argv.slice(1), { stdio: 'ignore', timeout: 600_000 }).status;
}

/** Many runs, of which every third is killed: at some moment, or as soon as it has a cgroup. */
function soak(runs) {
  const hasCgroup = `while ! ls -d ${parent}/wasbox-*; do sleep 0.05; done`;
  let killed = 0;
  let seen = 0;
  for (let index = 0; index < runs; index++) {
    const moment = `sleep ${(Math.random() * 3).toFixed(2)}`;
    const kill = index % 6 === 2 ? hasCgroup : moment;
    const status = index % 3 === 2 ? sleepIn('60', kill) : sleepIn('0');
    killed += Number(status === 137);
    seen = Math.max(seen, left().length);
  }
  wasbox('--', 'true');
  console.log(
    `     ${runs} runs, ${killed} killed: cgroups left in between ${seen}, now ${left().length}`,
  );
  if (killed === 0 || seen === 0) fail('no run was killed with a cgroup');
}

const quiet = wasbox('--', 'node', '-e', '0');
check('an ordinary run', quiet, {
  'ends with 0': quiet.status === 0,
  [`is held by the ${heldBy}`]: quiet.report?.sandbox.heldBy === heldBy,
  'tells of its memory': (quiet.report?.usage.memoryBytes ?? 0) > 8 * 1048576,
});

const hog = wasbox('--memory', '128M', ...js('const a=[];for(;;)a.push(Buffer.alloc(1<<20,1))'));
check('a memory hog', hog, {
  'ends with 137': hog.status === 137,
  'is reported as the limit': hog.report?.outcome.limit === 'memory',
  'never had more': !exact || hog.report?.usage.memoryBytes <= 128 * 1048576,
  'has a sentence': hog.stderr.includes('used more than 128 MiB'),
});

const children = wasbox(
  '--memory',
  '192M',
  ...js(`const {spawn}=require('child_process');for(let i=0;i<4;i++)
    spawn('node',['-e','const a=[];for(;;)a.push(Buffer.alloc(1<<20,1))']);setTimeout(()=>{},60000)`),
);
check('a memory hog of many processes', children, {
  'is ended whole': children.status === 137 && children.report?.outcome.limit === 'memory',
  'never had more': !exact || children.report?.usage.memoryBytes <= 192 * 1048576,
});

const shared = wasbox(
  '--memory',
  '128M',
  ...js(
    `const fs=require('fs');for(let i=0;;i++)fs.writeFileSync('/dev/shm/'+i,Buffer.alloc(1<<20))`,
  ),
);
check('files in memory', shared, {
  'are refused at their own limit': shared.report?.reached.some(
    (one) => one.limit === 'disk' && one.place === 'memory files',
  ),
});

const bomb = wasbox(
  '--pids',
  '40',
  '--timeout',
  '20s',
  '--',
  'sh',
  '-c',
  'b() { b | b & sleep 1; }; b; sleep 5',
);
check('a fork bomb', bomb, {
  'is held to its processes': !exact || bomb.report?.reached.some((one) => one.limit === 'pids'),
  'never had more': bomb.report?.usage.processes <= 40,
});

const spin = wasbox('--cpu', '500ms', ...js('for(;;);'));
check('processor time', spin, {
  'ends with 124': spin.status === 124,
  'is reported as the limit': spin.report?.outcome.limit === 'cpu',
  'had little more': !exact || spin.report?.usage.cpuMs < 2500,
});

// A process sends its own memory to swap, where it is resident no more.
const swapped = () => {
  const text = readFileSync('/proc/vmstat', 'utf8');
  return (Number(/^pswpout (\d+)/m.exec(text)?.[1]) * 4096) / 1048576;
};
const [madvise, MADV_PAGEOUT] = [28, 21];
const pageOut = (mebibytes) => `my @kept; for (1..${mebibytes / 4}) {
  my $some = "x" x (4 << 20); push @kept, \\$some;
  my $at = (unpack("J", pack("p", $some)) + 4095) & ~4095;
  syscall(${madvise}, $at, (4 << 20) - 8192, ${MADV_PAGEOUT}) == 0 or die "madvise: $!";
}
sleep ($ARGV[0]);`;
const beforeSwap = swapped();
const swapBomb = wasbox('--memory', '64M', '--', 'perl', '-e', pageOut(240), '60');
check(`a swap bomb, ${Math.round(swapped() - beforeSwap)} MiB written to swap`, swapBomb, {
  'is reported as the limit': swapBomb.report?.outcome.limit === 'memory',
  'wrote nothing to swap': !exact || swapped() - beforeSwap < 1,
});
const beforeControl = swapped();
spawnSync('perl', ['-e', pageOut(240), '0']);
const control = Math.round(swapped() - beforeControl);
console.log(`     outside, the same writes ${control} MiB to swap`);
if (control < 200) fail('the swap bomb is none');

if (heldBy === 'supervisor') finish();

// The parents do not wait for their children: without a cgroup the time of these would be lost.
const spinners = wasbox(
  '--cpu',
  '1s',
  '--timeout',
  '60s',
  '--',
  'sh',
  '-c',
  `trap '' CHLD; while :; do i=0; while [ $i -lt 2000 ]; do i=$((i+1)); done & wait; done`,
);
check('processor time of many short processes', spinners, {
  'is reported as the limit': spinners.report?.outcome.limit === 'cpu',
});

// Shows what the payload sees of it.
const inside = spawnSync(
  process.execPath,
  [cli, 'run', '--discard', '--', 'cat', '/proc/self/cgroup'],
  { encoding: 'utf8' },
);
console.log(`     inside, /proc/self/cgroup is ${inside.stdout.trim()}`);
if (inside.stdout.trim() !== '0::/') fail('the payload sees where its cgroup lies');

// The supervisor is killed: the next run removes what it left.
const killed = spawnSync('sh', [
  '-c',
  `node ${cli} run --discard -- sleep 60 & p=$!
   while ! ls -d ${parent}/wasbox-* >/dev/null 2>&1; do sleep 0.1; done; sleep 1; kill -9 $p; wait $p`,
]);
console.log(`     left after SIGKILL to wasbox (status ${killed.status}): ${left().length}`);
wasbox('--', 'node', '-e', '0');
soak(60);
if (left().length !== 0) fail(`cgroups left: ${left().join(' ')}`);
else console.log('ok   no cgroup is left');
if (readFileSync(`${parent}/cgroup.procs`, 'utf8') !== '') fail('processes in the parent');

finish();
