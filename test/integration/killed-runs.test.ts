/**
 * Runs that are ended at a system call of their start or end, `apply` and `discard` as well: the user's files are as they
 * were, or as the program left them, up to one of its steps. `npm run nightly -- kills` makes 10,000; `WASBOX_KILLS` and
 * `WASBOX_SEED` say how many, and which. With `WASBOX_KILLS_CLI`, the cli.js of a build before the mend, it fails.
 */
import { constants } from 'node:os';
import { afterAll, describe, expect, test } from 'vitest';
import { identities } from '../support/identity.js';
import { type Measured, type Victim, Victims, victims } from '../support/kills.js';
import { pass } from '../support/packages.mjs';
import { firstSeed, numbers } from '../support/random.js';
import type { Strike } from '../support/strike.js';

const { SIGKILL, SIGINT, SIGTERM, SIGHUP } = constants.signals;
// Two passes of CI have a third each.
const kills = Number(process.env.WASBOX_KILLS ?? (pass === undefined ? 300 : 100));

/**
 * How many of an identity's kills are in a tree of so many files. A run with namespaces copies none of them, and of one
 * that copies many only the steps that do so are longer. Root copies slower, for it gives each copy to the user of the run:
 * of the passes of CI the ordinary user's has the largest tree, and most kills in the other.
 */
const trees = [
  ['namespaces', 3, 0.38],
  ['namespaces', 2000, 0.02],
  ['landlock', 3, pass === 'root' ? 0.58 : 0.54],
  ['landlock', 2000, pass === 'root' ? 0.02 : 0.04],
  ...(pass === 'root' ? [] : ([['landlock', 20_000, 0.02]] as const)),
] as const;

/** How many of a hundred kills each gets. */
const shares: Readonly<Record<Victim, number>> = {
  command: 32,
  'command --apply': 8,
  'command --discard': 5,
  library: 26,
  init: 6,
  'innermost init': 4,
  holder: 4,
  apply: 10,
  discard: 5,
};

const hundred = victims.flatMap((victim) => Array.from({ length: shares[victim] }, () => victim));

/** Chooses by these shares, so that each has its part in a few kills as in many. */
const victimOf = (i: number): Victim => hundred[(i * 37) % hundred.length] ?? 'command';

/** Runs with Landlock isolation have no such process. */
const without: Readonly<Record<string, Victim>> = {
  landlock: 'holder',
  namespaces: 'innermost init',
};

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
/** How many kills there were, and how many of them came before the end of their victim. */
const made = new Map<Victim, { readonly struck: number; readonly all: number }>();
afterAll(() => {
  const counts = [...made].map(([what, { struck, all }]) => `${what} ${struck} of ${all}`);
  console.log(`kills with seed ${seed}: ${counts.join(', ')}`);
});
const everyone = identities();

describe.each(everyone)('as $label', (as) => {
  test.concurrent.each(trees)(
    'a killed run with %s isolation in a directory of %i files leaves what its program did, or nothing',
    { timeout: 120_000 + kills * 5_000 },
    async (isolation, files, share) => {
      const next = numbers(seed + files);
      const trees = new Victims(as, isolation, files);
      const count = Math.max(2, Math.round((kills * share) / everyone.length));
      const found: string[] = [];
      try {
        for (let i = 0; i < count; i++) {
          const chosen = victimOf(i);
          const victim = chosen === without[isolation] ? 'init' : chosen;
          const signal = [SIGKILL, SIGKILL, SIGINT, SIGTERM, SIGHUP][Math.floor(next() * 5)] ?? 9;
          const strike = { ...pick(next, await trees.measure(victim)), signal };
          const wrong = await trees.kill(victim, strike);
          const { struck, all } = made.get(victim) ?? { struck: 0, all: 0 };
          made.set(victim, { struck: struck + (trees.didStrike ? 1 : 0), all: all + 1 });
          if (wrong !== undefined)
            found.push(`seed ${seed}: ${victim}, ${JSON.stringify(strike)}: ${wrong}`);
        }
      } finally {
        trees.dispose();
      }
      expect(found).toEqual([]);
    },
  );
});
