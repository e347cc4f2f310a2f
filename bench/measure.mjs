// The parts that all measurements share: medians with quartiles, ratios pair by pair, a clean environment.

/** Variables that make Node start slowly and have nothing to do with what is measured. */
const unset = ['NODE_EXTRA_CA_CERTS', 'NODE_OPTIONS', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'NODE_ENV'];

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

/** A row of results. `ratio` is the median of the ratios of paired measurements to `base`. */
export function summarize(name, us, base) {
  const pairs = base === undefined ? [] : us.map((value, i) => value / base[i % base.length]);
  return {
    name,
    medianUs: Math.round(median(us)),
    lowUs: Math.round(quantile(us, 0.25)),
    highUs: Math.round(quantile(us, 0.75)),
    count: us.length,
    ...(pairs.length > 0 ? { ratio: Number(median(pairs).toFixed(4)) } : {}),
  };
}

/**
 * Measures functions in turn.
 * @param {{name: string, once: () => number | Promise<number>}[]} contestants `once` gives microseconds
 * @returns {Promise<Map<string, number[]>>} microseconds of each
 */
export async function inTurn(contestants, { rounds, warmUps = 3 }) {
  const samples = new Map(contestants.map(({ name }) => [name, []]));
  for (let round = -warmUps; round < rounds; round++) {
    for (const { name, once } of contestants) {
      const us = await once();
      if (round >= 0) samples.get(name).push(us);
    }
  }
  return samples;
}

/** Microseconds of a promise. */
export async function timed(use) {
  const start = process.hrtime.bigint();
  await use();
  return Number(process.hrtime.bigint() - start) / 1e3;
}
