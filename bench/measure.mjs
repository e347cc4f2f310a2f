// Paired measurement: the commands take turns, so that a machine that gets slower slows all of them.
// Medians are quoted, and ratios pair by pair.
import { spawnSync } from 'node:child_process';

/** Variables that make Node start slowly and have nothing to do with what is measured. */
const unset = ['NODE_EXTRA_CA_CERTS', 'NODE_OPTIONS', 'SSL_CERT_FILE'];

export function cleanEnvironment() {
  const env = { ...process.env };
  for (const name of unset) delete env[name];
  return env;
}

export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
}

export const median = (values) => quantile(values, 0.5);

/** Microseconds of one synchronous run of a command. Throws where it does not end with 0. */
export function timeCommand([command, ...args], options = {}) {
  const start = process.hrtime.bigint();
  const { status, stderr } = spawnSync(command, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: cleanEnvironment(),
    ...options,
  });
  const us = Number(process.hrtime.bigint() - start) / 1e3;
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}`);
  return us;
}

/**
 * Measures contestants in turn.
 * @param {{name: string, once: () => number | Promise<number>}[]} contestants `once` gives microseconds
 * @returns rows with median, quartiles and the median ratio to the first contestant
 */
export async function measure(contestants, { rounds = 30, warmUps = 3 } = {}) {
  const samples = contestants.map(() => []);
  for (let round = -warmUps; round < rounds; round++) {
    for (const [i, contestant] of contestants.entries()) {
      const us = await contestant.once();
      if (round >= 0) samples[i].push(us);
    }
  }
  return contestants.map(({ name }, i) => ({
    name,
    medianUs: Math.round(median(samples[i])),
    lowUs: Math.round(quantile(samples[i], 0.25)),
    highUs: Math.round(quantile(samples[i], 0.75)),
    ratio: median(samples[i].map((us, round) => us / samples[0][round])),
  }));
}
