/**
 * Where the time of a repeated `wasbox run` goes: each system call of each of its processes, with the
 * kernel's own clock, along the path that the caller waits for.
 *
 *   node bench/profile.mjs --user NAME [--rounds 200] [--save DIR]
 *
 * Needs root, for perf(1) and its tracepoints; wasbox itself runs as the ordinary user NAME. One call's
 * tracing costs about as much as a short call: what the run takes longer for it is measured beside it,
 * without tracing, and taken off each call alike.
 */
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { loadavg, tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describe, machine } from './machine.mjs';
import { quantile } from './measure.mjs';
import { average, profileOf, splitRuns } from './profile-runs.mjs';
import { compile } from './timer.mjs';

const { values } = parseArgs({
  options: {
    user: { type: 'string' },
    rounds: { type: 'string', default: '200' },
    save: { type: 'string' },
    wasbox: { type: 'string' },
  },
});
const here = dirname(fileURLToPath(import.meta.url));
const front =
  values.wasbox ?? join(here, '..', 'dist', 'native', `linux-${process.arch}`, 'wasbox');
const rounds = Number(values.rounds);
if (process.getuid() !== 0 || values.user === undefined) {
  console.error('bench/profile.mjs: run it as root, with --user and the name of an ordinary user');
  process.exit(2);
}

/** uid, gid and home of a user of this machine. */
function account(name) {
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [known, , uid, gid, , home] = line.split(':');
    if (known === name) return { uid: Number(uid), gid: Number(gid), home };
  }
  throw new Error(`no user ${name} in /etc/passwd (this is ${userInfo().username})`);
}

const { uid, gid } = account(values.user);
const work = mkdtempSync(join(tmpdir(), 'wasbox-profile-'));
const [home, project] = [join(work, 'home'), join(work, 'project')];
for (const directory of [work, home, project]) {
  mkdirSync(directory, { recursive: true });
  chownSync(directory, uid, gid);
  chmodSync(directory, 0o755);
}

function markdown({ us, steps, count }, untraced, seen) {
  const whole = (value) => Math.round(value).toLocaleString('en');
  const low = steps.reduce((total, { lowUs }) => total + lowUs, 0);
  const rows = steps.map(
    ({ who, step, us: mean, share, count: calls, lowUs }) =>
      `| ${who} | ${step} | ${whole(calls)} | ${whole(lowUs)} | ${whole(mean)} | ${(100 * share).toFixed(1)} % |`,
  );
  return `# Where a repeated run's time goes

From \`execve\` of \`wasbox run --discard -- noop\` to its end, by the native command. Written by
\`npm run bench -- profile\`. The steps follow each other without a gap, so that they are all of the time;
what tracing a call costs is taken off. ${seen} runs: the time of each step in the tenth of the runs in which
it was shortest, and its mean in the quickest quarter of the runs. The quickest eighth of runs without
tracing, from before \`vfork\` on, took up to ${whole(untraced)} µs.

${new Date().toISOString()}; ${describe(machine())}; load average ${loadavg()[0].toFixed(1)}.

| process | step | calls | shortest tenth, µs | mean, µs | share |
| --- | --- | ---: | ---: | ---: | ---: |
${rows.join('\n')}
| | all | ${whole(count)} | ${whole(low)} | ${whole(us)} | 100 % |
`;
}

const events = [
  ...['raw_syscalls:sys_enter', 'raw_syscalls:sys_exit', 'sched:sched_process_exec'],
  ...['sched:sched_process_exit', 'sched:sched_process_fork'],
];

try {
  const noop = compile(join(here, 'noop.c'), join(project, 'noop'), '-nostdlib', '-static');
  const timer = compile(join(here, 'timer.c'), join(work, 'timer'));
  const words = [front, 'run', '--discard', '--', noop];
  const as = [
    'nice',
    '-n',
    '-20',
    'setpriv',
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--init-groups',
    'env',
    '-i',
  ];
  const environment = [`HOME=${home}`, 'PATH=/usr/local/bin:/usr/bin:/bin'];
  const argv = [...as, ...environment, timer, String(rounds), '3', '1', project];
  const input = `${words.join('\n')}\n\n`;
  const timed = (command) => {
    const ran = spawnSync(command[0], command.slice(1), { input, encoding: 'utf8' });
    if (ran.status !== 0) throw new Error(`${command[0]}: ${ran.error ?? ran.stderr}`);
    return ran.stdout
      .trim()
      .split('\n')
      .map((line) => Number(line.split(' ')[1]));
  };
  const before = timed(argv);
  const data = join(work, 'perf.data');
  const record = ['perf', 'record', '-q', '-a', '-m', '8M', '-o', data];
  timed([...record, ...events.flatMap((name) => ['-e', name]), '--', ...argv]);
  const after = timed(argv);
  // The script is that of all processes of the machine: where it does something else, too much for one string.
  const script = spawn('perf', ['script', '-i', data, '--ns', '-F', 'tid,time,event,trace'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const runs = (await splitRuns(createInterface({ input: script.stdout }), front)).slice(3);
  const profiles = runs.map(profileOf).filter((profile) => profile !== undefined);
  if (profiles.length < rounds / 2)
    throw new Error(`only ${profiles.length} of ${rounds} runs were seen whole`);
  const result = average(profiles);
  const untraced = quantile([...before, ...after], 0.125);
  const line = (name, us, share, calls) =>
    `${name.padEnd(58)} ${us.toFixed(0).padStart(6)} ${(100 * share).toFixed(1).padStart(6)} % ${calls.toFixed(0).padStart(5)}`;
  console.log(
    `from execve of wasbox to its end: ${result.us.toFixed(0)} µs (with tracing ${result.tracedUs.toFixed(0)}; ` +
      `from its start to its end without tracing ${untraced.toFixed(0)})`,
  );
  console.log(`${''.padEnd(58)}     µs  share  calls  lowest tenth, µs`);
  for (const { who, step, us, share, count, lowUs } of result.steps)
    console.log(line(`${who}: ${step}`, us, share, count) + lowUs.toFixed(0).padStart(7));
  const low = result.steps.reduce((total, { lowUs }) => total + lowUs, 0);
  console.log(line('', result.us, 1, result.count) + low.toFixed(0).padStart(7));
  if (values.save) {
    writeFileSync(join(values.save, 'profile.json'), `${JSON.stringify(result, null, 1)}\n`);
    writeFileSync(join(values.save, 'profile.md'), markdown(result, untraced, profiles.length));
  }
  console.log('\ncalls that take longest');
  for (const { who, call, us, share, count } of result.calls)
    console.log(line(`${who}: ${call}`, us, share, count));
} finally {
  rmSync(work, { recursive: true, force: true });
}
