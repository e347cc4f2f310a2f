/**
 * docs/deploy/slurm on a real Slurm: an array of 200 tasks as an ordinary user, harmless and hostile ones, whose reports are
 * collected into one file and counted.
 *
 *     npm run nightly -- slurm [TASKS]
 *
 * Needs root, Debian's slurmctld, slurmd, slurm-client and munge, and a built checkout. What it starts it ends.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { Checks, must } from '../support/checks.mjs';
import { Cluster } from './cluster.mjs';

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const scripts = join(checkout, 'docs/deploy/slurm');
const tasks = Number(process.argv[2] ?? 200);
const user = 'wasboxslurm';

const run = (argv, options) => must(argv, options).trim();

/** Says what the tasks do, and how their reports say that it ended. */
const kinds = [
  ['echo task; cat data.txt', { kind: 'exited', exitCode: 0 }],
  ['cat /etc/shadow', { kind: 'exited', exitCode: 1 }],
  ['exit 7', { kind: 'exited', exitCode: 7 }],
  ['kill -9 $$', { kind: 'signaled', signal: 'SIGKILL' }],
  [
    'echo changed >data.txt; echo planted >"$HOME/x"; cat data.txt',
    { kind: 'exited', exitCode: 0 },
  ],
];

const work = fs.mkdtempSync('/var/tmp/wasbox-slurm-');
fs.chmodSync(work, 0o755);
const cluster = new Cluster(join(work, 'cluster'));
const checks = new Checks();
const { check } = checks;

try {
  fs.mkdirSync(cluster.directory, { mode: 0o755 });
  run(['useradd', '--create-home', '--shell', '/bin/sh', user]);
  await cluster.start(availableParallelism());

  const place = join(work, 'jobs');
  fs.mkdirSync(join(place, 'reports'), { recursive: true });
  fs.mkdirSync(join(place, 'input'));
  fs.writeFileSync(join(place, 'input/data.txt'), 'given\n');
  const lines = Array.from({ length: tasks }, (_, n) => kinds[n % kinds.length][0]);
  fs.writeFileSync(join(place, 'tasks.txt'), `${lines.join('\n')}\n`);
  run(['chown', '-R', `${user}:`, place]);

  const bin = join(work, 'bin');
  fs.mkdirSync(bin);
  fs.symlinkSync(resolve(checkout, 'dist/bin/wasbox.bin'), join(bin, 'wasbox'));
  const env = {
    SLURM_CONF: cluster.env.SLURM_CONF,
    PATH: `${bin}:/usr/local/bin:/usr/bin:/bin`,
    HOME: `/home/${user}`,
    USER: user,
  };
  const as = ['setpriv', '--reuid', user, '--regid', user, '--init-groups'];
  const sbatch = (...argv) => run([...as, 'sbatch', ...argv], { env, cwd: place });
  const wait = async (job) => {
    while (run(['squeue', '-h', '-j', job, '-o', '%i'], { env }).length > 0) await sleep(500);
  };

  const array = join(scripts, 'array.sbatch');
  const collect = join(scripts, 'collect.sbatch');
  const range = `--array=1-${tasks}`;
  sbatch('--test-only', range, array);
  check(true, 'sbatch --test-only takes the script');
  const started = process.hrtime.bigint();
  const job = sbatch('--parsable', range, array);
  const collector = sbatch('--parsable', `--dependency=afterany:${job}`, collect, `${tasks}`);
  await wait(collector);
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;

  const text = fs.readFileSync(join(place, 'reports.ndjson'), 'utf8');
  const reports = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  check(reports.length === tasks, `${reports.length} reports of ${tasks} tasks in one file`);
  const schema = fs.readFileSync(join(checkout, 'src/report/report.schema.json'), 'utf8');
  const validate = new Ajv().compile(JSON.parse(schema));
  check(
    reports.every((report) => validate(report)),
    'each is a report by its schema',
  );
  const wrong = reports.filter(({ outcome }, n) =>
    Object.entries(kinds[n % kinds.length][1]).some(([name, value]) => outcome[name] !== value),
  );
  check(
    wrong.length === 0,
    `each says how its task ended${wrong.map(({ outcome }) => ` ${JSON.stringify(outcome)}`)}`,
  );
  const data = fs.readFileSync(join(place, 'input/data.txt'), 'utf8');
  check(data === 'given\n', 'the input is as it was');
  check(!fs.existsSync(`/home/${user}/x`), 'nothing was planted in the home');
  const log = fs.readFileSync(join(place, 'collect.log'), 'utf8').trim();
  check(log === `${tasks} reports of ${tasks} tasks`, `the log says: ${log}`);

  // Control: a report that is missing is noticed.
  fs.rmSync(join(place, 'reports/3.json'));
  await wait(sbatch('--parsable', collect, `${tasks}`));
  const second = fs.readFileSync(join(place, 'collect.log'), 'utf8');
  check(/no report: 3$/m.test(second), 'a missing report is named');
  // Control: without wasbox the last kind of task changes what it can reach.
  run([...as, 'sh', '-c', kinds.at(-1)[0]], { env, cwd: join(place, 'input') });
  const changed = fs.readFileSync(join(place, 'input/data.txt'), 'utf8');
  check(
    changed === 'changed\n' && fs.existsSync(`/home/${user}/x`),
    'outside it would change both',
  );
  const bytes = Buffer.byteLength(text);
  console.log(`${tasks} tasks, ${bytes} bytes of reports, ${Math.round(seconds)} s`);
} catch (error) {
  checks.fail(error);
  console.error(cluster.logs());
} finally {
  await cluster.stop();
  spawnSync('userdel', ['--remove', user], { stdio: 'ignore' });
  fs.rmSync(work, { recursive: true, force: true, maxRetries: 3 });
}
checks.end();
