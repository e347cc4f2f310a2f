// How the host answers while bombs go off in sandboxes, one after the other. A probe beside them starts
// a program and writes a file, again and again.
//
//   npm run bench:limits [-- --seconds 5] [--user NAME]
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
  options: { seconds: { type: 'string', default: '5' }, user: { type: 'string' } },
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
const idle = await probeWhile(file, async () => wait(seconds * 1000));
const row = (name, { count, median, p95 }, told) => {
  const times = `${(median / idle.median).toFixed(1)} / ${(p95 / idle.p95).toFixed(1)}`;
  console.log(
    `${name.padEnd(30)} ${String(count).padStart(5)} ${median.toFixed(2).padStart(8)} ${p95.toFixed(2).padStart(8)}   ${times.padEnd(12)} ${told}`,
  );
};
console.log(`${'while'.padEnd(30)} count   median      p95   × idle       limit`);
row('nothing goes on', idle, '');
for (const [name, options, command] of endless) {
  let told = '';
  const seen = await probeWhile(file, async ({ begin }) => {
    const end = explode(['--workdir', project, ...options], command);
    await wait(700); // until it is under way
    begin();
    told = await end;
  });
  row(name, seen, told);
}
spawnSync('rm', ['-rf', work]); // not rmSync, which recurses, and some directories are deep
