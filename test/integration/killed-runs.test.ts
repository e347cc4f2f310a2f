/**
 * Runs that are ended at a system call of their start or end: the user's files are as they were, or as the program left
 * them, up to one of its steps. `WASBOX_KILLS=10000 WASBOX_SEED=1` for more by hand; with `WASBOX_KILLS_CLI`, the cli.js
 * of a build before the mend, it fails.
 */
import { constants } from 'node:os';
import { describe, expect, test } from 'vitest';
import { identities } from '../support/identity.js';
import { type Victim, Victims } from '../support/kills.js';

const { SIGKILL, SIGINT, SIGTERM, SIGHUP } = constants.signals;
const kills = Number(process.env.WASBOX_KILLS ?? 300);

/**
 * How many of an identity's kills are in a tree of so many files. A run with namespaces copies none of them, and one
 * that copies many takes seconds.
 */
const trees = [
  ['namespaces', 3, 0.36],
  ['namespaces', 2000, 0.04],
  ['landlock', 3, 0.48],
  ['landlock', 2000, 0.1],
  ['landlock', 20_000, 0.02],
] as const;

/** Numbers that a seed repeats: mulberry32, https://github.com/bryc/code/blob/master/jshash/PRNGs.md */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Measured = Awaited<ReturnType<Victims['measure']>>;

/**
 * When to kill: at a call, or after a time below 0. Many calls are among the first and last hundreds: the others copy
 * and compare files, one after another.
 */
function pick(next: () => number, { calls, micros }: Measured): number {
  if (calls === 0 || (calls > 5000 && next() < 0.7)) return -1 - Math.floor(next() * micros);
  const edge = Math.min(400, calls);
  const place = next();
  if (place < 0.5) return 1 + Math.floor(next() * calls);
  return place < 0.7 ? 1 + Math.floor(next() * edge) : calls - Math.floor(next() * edge);
}

// The same on CI each time; other ones by hand.
const seed = Number(process.env.WASBOX_SEED ?? (process.env.CI ? 1 : Date.now() % 100_000));
const everyone = identities();

describe.each(everyone)('as $label', (as) => {
  test.each(trees)(
    'a killed run with %s isolation in a directory of %i files leaves what its program did, or nothing',
    { timeout: 120_000 + kills * 5_000 },
    async (isolation, files, share) => {
      const next = numbers(seed + files);
      const victims = new Victims(as, isolation, files);
      const count = Math.max(2, Math.round((kills * share) / everyone.length));
      const command = await victims.measure('command');
      const library = files > 2000 ? command : await victims.measure('library');
      const whole: Record<Victim, Measured> = { command, library };
      const found: string[] = [];
      for (let i = 0; i < count; i++) {
        const victim = i % 3 === 2 ? 'library' : 'command';
        const moment = pick(next, whole[victim]);
        const signal = [SIGKILL, SIGKILL, SIGINT, SIGTERM, SIGHUP][Math.floor(next() * 5)] ?? 9;
        const wrong = await victims.kill(victim, moment, signal);
        if (wrong !== undefined)
          found.push(`seed ${seed}: ${victim}, signal ${signal} at ${moment}: ${wrong}`);
      }
      victims.dispose();
      expect(found).toEqual([]);
    },
  );
});
