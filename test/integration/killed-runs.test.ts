/**
 * Runs that are ended at a system call of their start or end: the user's files are as they were, or as the program left
 * them, up to one of its steps. `WASBOX_KILLS=10000 WASBOX_SEED=1` for more by hand; with `WASBOX_KILLS_CLI`, the cli.js
 * of a build before the mend, it fails.
 */
import { constants } from 'node:os';
import { describe, expect, test } from 'vitest';
import { identities } from '../support/identity.js';
import { type Victim, Victims } from '../support/kills.js';
import { pass } from '../support/packages.mjs';
import { firstSeed, numbers } from '../support/random.js';
import type { Strike } from '../support/strike.js';

const { SIGKILL, SIGINT, SIGTERM, SIGHUP } = constants.signals;
// Two passes of CI have the half each.
const kills = Number(process.env.WASBOX_KILLS ?? (pass === undefined ? 300 : 150));

/**
 * How many of an identity's kills are in a tree of so many files. A run with namespaces copies none of them, and of one
 * that copies many only the steps that do so are longer.
 */
const trees = [
  ['namespaces', 3, 0.36],
  ['namespaces', 2000, 0.04],
  ['landlock', 3, 0.48],
  ['landlock', 2000, 0.1],
  ['landlock', 20_000, 0.02],
] as const;

type Measured = Awaited<ReturnType<Victims['measure']>>;

/**
 * When to kill: at a call; in a large tree, whose calls are too many to count, at one of those that follow a time. Many
 * are among the first and last hundreds.
 */
function pick(next: () => number, { calls, micros }: Measured): Strike {
  if (calls === 0)
    return { after: 1 + Math.floor(next() * micros), at: 1 + Math.floor(next() * 60) };
  const edge = Math.min(400, calls);
  const place = next();
  if (place < 0.5) return { at: 1 + Math.floor(next() * calls) };
  const within = Math.floor(next() * edge);
  return { at: place < 0.7 ? 1 + within : calls - within };
}

const seed = firstSeed();
const everyone = identities();

describe.each(everyone)('as $label', (as) => {
  test.concurrent.each(trees)(
    'a killed run with %s isolation in a directory of %i files leaves what its program did, or nothing',
    { timeout: 120_000 + kills * 5_000 },
    async (isolation, files, share) => {
      const next = numbers(seed + files);
      const victims = new Victims(as, isolation, files);
      const count = Math.max(2, Math.round((kills * share) / everyone.length));
      const found: string[] = [];
      try {
        const command = await victims.measure('command');
        const library = files > 2000 ? command : await victims.measure('library');
        const whole: Record<Victim, Measured> = { command, library };
        for (let i = 0; i < count; i++) {
          const victim = i % 3 === 2 ? 'library' : 'command';
          const signal = [SIGKILL, SIGKILL, SIGINT, SIGTERM, SIGHUP][Math.floor(next() * 5)] ?? 9;
          const strike = { ...pick(next, whole[victim]), signal };
          const wrong = await victims.kill(victim, strike);
          if (wrong !== undefined)
            found.push(`seed ${seed}: ${victim}, ${JSON.stringify(strike)}: ${wrong}`);
        }
      } finally {
        victims.dispose();
      }
      expect(found).toEqual([]);
    },
  );
});
