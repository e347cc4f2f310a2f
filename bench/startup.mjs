// Start-up latency: from the request to the end of a program that does nothing, here and next to
// the peers that are installed.  node bench/startup.mjs [--rounds N] [--json]
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { run } from '../dist/index.js';
import { measure, timeCommand } from './measure.mjs';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '30' }, json: { type: 'boolean', default: false } },
});
const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'wasbox-bench-'));

const noop = join(work, 'noop');
writeFileSync(`${noop}.c`, 'int main(void) { return 0; }\n');
const compiled = spawnSync('cc', ['-O2', '-static', '-o', noop, `${noop}.c`]);
if (compiled.status !== 0) throw new Error(`cc: ${compiled.stderr}`);

const bwrap = [
  ...['bwrap', '--unshare-all', '--die-with-parent', '--new-session'],
  ...['--ro-bind', '/usr', '/usr', '--ro-bind', '/etc', '/etc', '--symlink', 'usr/bin', '/bin'],
  ...['--symlink', 'usr/lib', '/lib', '--symlink', 'usr/lib64', '/lib64', '--proc', '/proc'],
  ...['--dev', '/dev', '--tmpfs', '/tmp', '--tmpfs', '/home', '--bind', work, work],
  ...['--chdir', work, noop],
];
const installed = (name) => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;

const contestants = [
  { name: 'plain spawn', once: () => timeCommand([noop], { cwd: work }) },
  {
    name: 'library run()',
    once: async () => {
      const start = process.hrtime.bigint();
      const { exitCode } = await run({ command: noop, workdir: work, changes: 'discard' });
      if (exitCode !== 0) throw new Error(`run() ended with ${exitCode}`);
      return Number(process.hrtime.bigint() - start) / 1e3;
    },
  },
  {
    name: 'wasbox run',
    once: () => timeCommand([process.execPath, cli, 'run', '--discard', noop], { cwd: work }),
  },
];
if (installed('bwrap')) {
  contestants.push({ name: 'bubblewrap', once: () => timeCommand(bwrap) });
}

const rows = await measure(contestants, { rounds: Number(values.rounds) });
rmSync(work, { recursive: true, force: true });
const machine = {
  date: new Date().toISOString(),
  kernel: release(),
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  node: process.version,
};
if (values.json) {
  console.log(JSON.stringify({ schemaVersion: 1, machine, rows }, null, 2));
} else {
  console.log(
    `${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel}, Node ${machine.node}`,
  );
  for (const { name, medianUs, lowUs, highUs, ratio } of rows) {
    const spread = `${lowUs}–${highUs}`;
    console.log(
      `${name.padEnd(16)} ${String(medianUs).padStart(8)} µs  ${spread.padStart(15)}  ×${ratio.toFixed(2)}`,
    );
  }
}
