/**
 * The command `wasbox apply` gets a signal at one of the calls with which it changes files, while names are planted
 * where it works: the host has only what it had or what was reviewed, at the paths at which it was reviewed (73). What
 * is held stays the file that it was, and the next `apply` does the rest.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Identity, identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { ended, startProgram, wasboxArgv } from '../support/wasbox.js';

/** How many applies of each case are cut off, and which of all that can be is the first. */
const count = Number(process.env.WASBOX_KILLED_APPLIES ?? 4);
const first = Number(process.env.WASBOX_KILLED_FROM ?? 0);

const signals = ['KILL', 'TERM', 'INT', 'HUP', 'QUIT'] as const;
const calls = [
  'renameat2',
  'unlinkat',
  'openat2',
  'fchmodat',
  'write',
  'symlink',
  'mkdir',
] as const;

/** Makes files of the names that an `apply` of this run could use, as far as the run can know. */
const plant = `id=$(sed -n 's|.*/runs/\\([a-z0-9]*\\)/.*|\\1|p' /proc/self/mountinfo | head -n 1); test -n "$id"
for n in 0 1 2 3 4 5 6 7; do echo planted > .wasbox-$id-$n; done`;

interface Case {
  readonly name: string;
  readonly before: string;
  readonly script: string;
}

const cases: readonly Case[] = [
  {
    name: 'edits and deletions',
    before: 'for f in a b c; do echo old > $f; done',
    script: 'echo run > a; rm b; echo run > n',
  },
  {
    name: 'hard links',
    before: 'echo old > a; ln a b; echo old > .envrc; ln .envrc c',
    script: 'echo run > a; rm c; echo run > n; ln n m; ln n .wasbox-x-0; mkdir d; ln n d/n',
  },
  {
    name: 'held paths and links to them',
    before: 'echo old > .envrc; echo old > .npmrc; echo old > a',
    script:
      'echo run > .envrc; rm .npmrc; rm a; ln .envrc a; ln -s .envrc l; ln .envrc .wasbox-x-1',
  },
  {
    name: 'files that become directories and back',
    before: 'echo old > a; mkdir d; echo old > d/x; ln -s d l',
    script: 'rm a; mkdir a; echo run > a/x; rm -r d; echo run > d; rm l; mkdir l; echo run > l/x',
  },
  {
    name: 'names that differ in case only',
    before: 'echo old > a; echo old > A; mkdir d D; echo old > d/x; echo old > D/x',
    script: 'rm a; echo run > A; echo run > d/X; rm d/x; rm -r D; echo run > D; echo run > .Envrc',
  },
];

/** Returns what is at each path: text, or the target of a link. */
function contents(root: string, path = ''): Record<string, string> {
  // A run's ID differs each time.
  const withoutId = (name: string) => name.replace(/\.wasbox-[0-9a-z]{9}-/, '.wasbox-ID-');
  const all = fs.readdirSync(join(root, path), { withFileTypes: true }).map((entry) => {
    const inner = path === '' ? entry.name : `${path}/${entry.name}`;
    if (entry.isDirectory()) return { [`${withoutId(inner)}/`]: '', ...contents(root, inner) };
    const link = entry.isSymbolicLink();
    const at = join(root, inner);
    return { [withoutId(inner)]: link ? `-> ${fs.readlinkSync(at)}` : fs.readFileSync(at, 'utf8') };
  });
  return Object.assign({}, ...all) as Record<string, string>;
}

/** A run of the case whose changes are saved. */
async function prepare(as: Identity, { before, script }: Case) {
  const base = makeProject(as, { 'w/': '', 'beside/kept': 'kept\n' });
  const cwd = join(base, 'w');
  const options = { as, cwd, env: { XDG_STATE_HOME: makeProject(as, {}, 'state') } };
  const start = async (argv: readonly string[]) => ended(startProgram(argv, options), options);
  expect((await start(['sh', '-ec', before])).err).toBe('');
  const run = ['run', '-q', '--', 'sh', '-ec', `${plant}; ${script}`];
  expect((await start(wasboxArgv(as, run))).err).toBe('');
  return {
    base,
    cwd,
    start,
    wasbox: (...args: string[]) => start(wasboxArgv(as, args)),
    /** Applies; the signal comes with the call of this number. */
    cut: (call: string, at: number, signal: string) =>
      start([
        ...['strace', '-qq', '-f', '-o', '/dev/null', '-e', `trace=${call}`],
        ...['-e', `inject=${call}:signal=SIG${signal}:when=${at}`],
        ...wasboxArgv(as, ['apply']),
      ]),
  };
}

/** How often `apply` makes each of the calls. */
async function callsOf(as: Identity, one: Case): Promise<Map<string, number>> {
  const { cwd, start } = await prepare(as, one);
  const log = join(makeProject(as, {}, 'log'), 'calls');
  const trace = ['-qq', '-f', '-e', `trace=${calls.join(',')}`, '-o', log];
  await start(['strace', ...trace, ...wasboxArgv(as, ['apply'])]);
  expect(fs.existsSync(cwd)).toBe(true);
  const found = new Map<string, number>();
  for (const [, call = ''] of fs.readFileSync(log, 'utf8').matchAll(/^\d+ +(\w+)\(/gm)) {
    found.set(call, (found.get(call) ?? 0) + 1);
  }
  return found;
}

describe.each(identities())('as $label', (as) => {
  test.each(cases)(
    'an apply of $name that gets a signal leaves only what was reviewed',
    async (one) => {
      const whole = await prepare(as, one);
      const before = contents(whole.cwd);
      await whole.wasbox('apply');
      const after = contents(whole.cwd);
      // Control: it does something.
      expect(after).not.toEqual(before);
      const made = [...(await callsOf(as, one))];
      const steps = made.flatMap(([call, times]) =>
        Array.from({ length: times }, (_, at) => ({ call, at: at + 1 })),
      );
      expect(steps.length).toBeGreaterThan(20);
      let stopped = 0;
      for (let n = first; n < first + count; n++) {
        // A stride that has no factor with most lengths reaches each step in turn.
        const { call, at } = steps[
          (n * 37 + Math.floor(steps.length / 2)) % steps.length
        ] as (typeof steps)[0];
        const signal = signals[n % signals.length] ?? 'KILL';
        const { base, cwd, cut, wasbox } = await prepare(as, one);
        const held = ['.envrc', '.npmrc'].filter((name) => name in before);
        const inodes = held.map((name) => fs.statSync(join(cwd, name)).ino);
        const { signal: by, status } = await cut(call, at, signal);
        if (by !== null || status !== 0) stopped++;
        const where = `SIG${signal} at ${call} ${at}`;
        await wasbox('runs'); // recovers
        const found = contents(cwd);
        for (const path of new Set([before, after, found].flatMap(Object.keys))) {
          expect([before[path], after[path]], `${path} after ${where}`).toContain(found[path]);
        }
        expect(
          held.map((name) => fs.statSync(join(cwd, name)).ino),
          where,
        ).toEqual(inodes);
        expect(contents(base), where).toMatchObject({ 'beside/kept': 'kept\n' });
        await wasbox('apply'); // does the rest
        expect(contents(cwd), where).toEqual(after);
        fs.rmSync(base, { recursive: true });
      }
      expect(stopped).toBeGreaterThan(0);
    },
    120_000 + count * 30_000,
  );
});
