// Times commands without Node between (timer.c), paired and interleaved.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cleanEnvironment } from './measure.mjs';

const source = fileURLToPath(new URL('timer.c', import.meta.url));

/** Compiles a C program of this folder's into `work`. */
export function compile(from, to, ...flags) {
  const { status, stderr, error } = spawnSync('cc', ['-O2', ...flags, '-o', to, from]);
  if (error || status !== 0) throw new Error(`cc ${from}: ${error?.message ?? stderr}`);
  return to;
}

/**
 * Runs each command `rounds` times, in turn.
 * @param {{name: string, argv: string[], status?: number}[]} contestants `status`: what each must exit with, 0 by default
 * @param options `tools`: where the timer itself lies
 * @returns {Map<string, number[]>} microseconds of each
 */
export function timeInTurn(work, contestants, { rounds, warmUps = 3, jobs = 1, tools = work }) {
  const timer = compile(source, join(tools, 'timer'));
  // Zombies of earlier runs keep their ids if this container's PID 1 does not reap them; timer.c does.
  rmSync(join(process.env.XDG_STATE_HOME ?? work, 'wasbox', 'leaving'), { force: true });
  const input = contestants.map(({ argv }) => `${argv.join('\n')}\n\n`).join('');
  const { status, stdout, stderr } = spawnSync(timer, [rounds, warmUps, jobs, work].map(String), {
    input,
    env: cleanEnvironment(),
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`timer ended with ${status}: ${stderr}`);
  const samples = new Map(contestants.map(({ name }) => [name, []]));
  for (const line of stdout.trim().split('\n')) {
    const [index, us, ended] = line.split(' ').map(Number);
    const { name, status: expected = 0 } = contestants[index];
    if (ended !== expected) throw new Error(`${name} ended with ${ended}`);
    samples.get(name).push(us);
  }
  return samples;
}
