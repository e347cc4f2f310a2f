/**
 * Attack 60, of row 38: processes that outlive their run where no pid namespace ends them. Whatever is killed
 * from outside, and in whatever order, the host has none of the program's processes left.
 */
import type { ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { descendantsOf, eventually, processesWith, uniqueMarker } from '../support/host.js';
import { identities } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { pass } from '../support/packages.mjs';
import { payloadText } from '../support/payload.js';
import { makeProject } from '../support/project.js';
import { ended, runWasbox, startProgram, wasboxArgv } from '../support/wasbox.js';

const nameOf = (pid: number): string => {
  try {
    return fs.readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
};

interface Keepers {
  readonly wasbox: number;
  readonly warden: number;
  readonly init: number;
}

/** The processes that keep a run, as they are called on the host. */
async function keepersOf({ pid: wasbox = 0 }: ChildProcess): Promise<Keepers> {
  const named = (name: string) => descendantsOf(wasbox).find((one) => nameOf(one) === name) ?? 0;
  const there = () => named('wasbox-init') > 0 && named('init-warden') > 0;
  expect(await eventually(there)).toBe(true);
  return { wasbox, warden: named('init-warden'), init: named('wasbox-init') };
}

const signalAll = (signal: 'SIGKILL' | 'SIGSTOP', pids: readonly number[]): void => {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      // It ended because of the one before.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
};

const killAll = (...pids: number[]): void => signalAll('SIGKILL', pids);

/** The processes that are killed at one moment, as far as there is one. */
const deaths: readonly (readonly [string, (keepers: Keepers) => void])[] = [
  ['init', ({ init }) => killAll(init)],
  ['its warden', ({ warden }) => killAll(warden)],
  ['wasbox', ({ wasbox }) => killAll(wasbox)],
  ['the process group of wasbox', ({ wasbox }) => killAll(-wasbox)],
  ['init, then wasbox', ({ init, wasbox }) => killAll(init, wasbox)],
  ['wasbox, then init', ({ init, wasbox }) => killAll(wasbox, init)],
  ['the warden, then wasbox', ({ warden, wasbox }) => killAll(warden, wasbox)],
  ['wasbox, then the warden', ({ warden, wasbox }) => killAll(wasbox, warden)],
  ['the warden, then init', ({ warden, init }) => killAll(warden, init)],
  ['init, then the warden', ({ warden, init }) => killAll(init, warden)],
  [
    'wasbox, while init is stopped',
    ({ init, wasbox }) => {
      process.kill(init, 'SIGSTOP');
      killAll(wasbox);
    },
  ],
];

/** Whatever a bomb is ended by must end it as a whole: each process that ends makes room for another. */
const bombDeaths: readonly (readonly [string, (keepers: Keepers) => void])[] = [
  ['init', ({ init }) => killAll(init)],
  ['its warden', ({ warden }) => killAll(warden)],
  ['wasbox', ({ wasbox }) => killAll(wasbox)],
  ['the warden and init', ({ warden, init }) => killAll(warden, init)],
  [
    'the warden, while init is stopped',
    ({ warden, init }) => {
      process.kill(init, 'SIGSTOP');
      killAll(warden);
    },
  ],
];

/** Each takes ten seconds of a processor: CI has the hardest as root, and one more as the user. */
const isTried = (what: string) =>
  pass === undefined || what.endsWith('stopped') || (pass === 'user' && what === 'its warden');

/** Ends a bomb that its sandbox has not ended: what is stopped keeps its place, so that no new one is born. */
function defuse(mark: string): void {
  for (let round = 0; round < 3; round++) signalAll('SIGSTOP', processesWith(mark));
  killAll(...processesWith(mark));
}

describe.each(identities())(
  'a process that a program with Landlock isolation started, as $label',
  (as) => {
    // Recovers the runs of each wasbox that was killed, whose copies lie outside of the scratch directory.
    afterAll(() => runWasbox(['diff'], { as, cwd: makeProject(as) }));

    /** Leads a process group, as a shell's job does. */
    const start = async (argv: readonly string[], mark: string) => {
      const cwd = makeProject(as, { 'daemons.py': payloadText('daemons.py') });
      const child = startProgram(['setsid', ...argv, 'python3', 'daemons.py', mark], { as, cwd });
      await new Promise((resolve) => child.stdout?.once('data', resolve));
      return child;
    };
    const inside = (...options: string[]) =>
      wasboxArgv(as, ['run', '-q', '--isolation', 'landlock', ...options, '--']);
    const left = (mark: string) => processesWith(mark).length;

    test('outlives its parent outside: the control', async () => {
      const mark = uniqueMarker();
      const child = await start([], mark);
      killAll(child.pid ?? 0);
      await new Promise((resolve) => child.once('exit', resolve));
      // The one whose parent is to be gone may still have it.
      expect(await eventually(() => left(mark) === 4)).toBe(true);
      killAll(...processesWith(mark));
    });

    test.each(deaths)('is gone once this is killed: %s', async (_, die) => {
      const mark = uniqueMarker();
      const child = await start(inside(), mark);
      const end = ended(child, { as });
      // The sixth, beside its own five, is wasbox, whose command line has the marker, too.
      expect(await eventually(() => left(mark) === 6)).toBe(true);
      die(await keepersOf(child));
      expect(await eventually(() => left(mark) === 0, 10_000), `${processesWith(mark)}`).toBe(true);
      await end;
    });

    type Die = (keepers: Keepers) => void;
    const explode = async (_: string, die: Die) => {
      const mark = uniqueMarker();
      const cwd = makeProject(as, { 'daemons.py': payloadText('daemons.py') });
      const argv = [...inside('--pids', '100'), 'python3', 'daemons.py', mark, 'bomb'];
      const child = startProgram(argv, { as, cwd });
      // The bomb leaves the test little of the processors, so that whatever can be found out is found out before.
      const keepers = await keepersOf(child);
      const isFull = new Promise((resolve) => {
        child.stdout?.on('data', (piece) => String(piece).includes('full') && resolve(true));
      });
      child.stdin?.write('\n');
      const end = ended(child, { as });
      try {
        await isFull;
        // Without a pid namespace, the limit counts all processes of the user, whose other tests have some, too.
        expect(await eventually(() => left(mark) > 50)).toBe(true);
        die(keepers);
        expect(await eventually(() => left(mark) === 0, 20_000)).toBe(true);
      } finally {
        defuse(mark); // else a bomb would go on beside all other tests
      }
      await end;
    };
    const title = 'a fork bomb is gone once this is killed: %s';
    test.each(bombDeaths.filter(([what]) => isTried(what)))(title, explode);
    needs('nightly run').test.each(bombDeaths.filter(([what]) => !isTried(what)))(title, explode);

    test('is gone when its time is over, with init stopped', async () => {
      const mark = uniqueMarker();
      const child = await start(inside('--timeout', '4s'), mark);
      const end = ended(child, { as });
      process.kill((await keepersOf(child)).init, 'SIGSTOP');
      expect(await eventually(() => left(mark) === 0, 30_000)).toBe(true);
      expect((await end).status).toBe(124);
    });
  },
);
