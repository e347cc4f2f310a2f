// How the host answers while bombs go off in sandboxes, one after the other. A probe beside them starts
// a program and writes a file, again and again. Each time it is measured just before, too, so that what
// else goes on, on the disk above all, is in both; the middle of the pairs' ratios is shown.
//
//   npm run bench -- limits [--seconds 5] [--pairs 3] [--user NAME] [--only WORDS]
//
// Measure on a machine that does nothing else. As root, --user starts the sandboxes as that user.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { endless, probeWhile } from '../test/support/responsive.mjs';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    pairs: { type: 'string', default: '3' },
    user: { type: 'string' },
    only: { type: 'string', default: '' }, // bombs whose names have it
  },
});
const seconds = Number(values.seconds);
const cli = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist', 'cli.cjs');
const work = mkdtempSync(join(tmpdir(), 'wasbox-limits-'));
const project = join(work, 'project');
const state = join(work, 'state');
const own = values.user ?? '';
spawnSync('install', ['-d', '-m', '755', project, state, ...(own ? ['-o', own] : [])]);
spawnSync('chmod', ['755', work]);
const as = own ? ['setpriv', '--reuid', own, '--regid', own, '--init-groups'] : [];
const env = { ...process.env, XDG_STATE_HOME: state };
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function explode(options, command) {
  const argv = [...as, process.execPath, cli, 'run', '-q', '--discard', '--json'];
  const [program, ...words] = [...argv, '--timeout', `${seconds + 1}s`, ...options, ...command];
  const child = spawn(program, words, { cwd: '/', env, stdio: ['ignore', 'ignore', 'pipe'] });
  let report = '';
  child.stderr.on('data', (chunk) => {
    report += chunk;
  });
  await new Promise((resolve) => child.on('close', resolve));
  const { outcome, reached } = JSON.parse(report.slice(report.indexOf('{\n')));
  if (outcome.error) throw new Error(outcome.error.message);
  return outcome.limit ?? reached.map(({ limit }) => limit).join(', ');
}

const file = join(work, 'probe');
const middle = (values) => [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)];

async function pair(options, command) {
  const idle = await probeWhile(file, async ({ count }) => {
    await wait(seconds * 500);
    while (count() < 10) await wait(20); // it takes a while to start where others run
  });
  let told = '';
  const busy = await probeWhile(file, async ({ begin }) => {
    const end = explode(['--workdir', project, ...options], command);
    await wait(700); // until it is under way
    begin();
    told = await end;
  });
  return { idle, busy, told };
}

console.log(`${'while'.padEnd(30)}  idle ms  busy ms   median × idle      95 %   limit`);
for (const [name, options, command] of endless.filter(([name]) => name.includes(values.only))) {
  const pairs = [];
  for (let n = 0; n < Number(values.pairs); n++) pairs.push(await pair(options, command));
  const ratios = pairs.map(({ idle, busy }) => busy.median / idle.median);
  const columns = [
    name.padEnd(30),
    middle(pairs.map(({ idle }) => idle.median))
      .toFixed(2)
      .padStart(8),
    middle(pairs.map(({ busy }) => busy.median))
      .toFixed(2)
      .padStart(8),
    middle(ratios).toFixed(1).padStart(6),
    `(${Math.min(...ratios).toFixed(1)}–${Math.max(...ratios).toFixed(1)})`.padEnd(10),
    middle(pairs.map(({ idle, busy }) => busy.p95 / idle.p95))
      .toFixed(1)
      .padStart(6),
    ` ${pairs[0]?.told ?? ''}`,
  ];
  console.log(columns.join(' '));
}
spawnSync('rm', ['-rf', work]); // not rmSync, which recurses, and some directories are deep
