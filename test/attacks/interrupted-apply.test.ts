/**
 * `apply` is cut off before each of its calls, and names are planted where it works: the host has only what it had
 * or what was reviewed, at the paths at which it was reviewed (73).
 *
 * A kill is made exact: from one call on, every call of Node's file system and of the addon fails, so that nothing
 * that the process does after it has an effect, as after SIGKILL.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { parseJournal } from '../../src/changes/apply/journal.js';
import {
  type ApplyOptions,
  applyRun,
  type ChangesNative,
  finishRun,
  listRuns,
  openRun,
} from '../../src/changes/index.js';
import {
  type Fixture,
  inOverlay,
  makeFixture,
  native,
  startRun,
} from '../integration/changes/fixture.js';
import { pass } from '../support/packages.mjs';

class KilledError extends Error {}

/** Counts calls; from the call `until` on, all fail. */
const { clock, changing } = vi.hoisted(() => ({
  clock: { calls: 0, until: Number.POSITIVE_INFINITY, killed: false },
  changing: [
    ...['writeSync', 'writeFileSync', 'mkdirSync', 'symlinkSync', 'linkSync', 'unlinkSync'],
    ...['rmdirSync', 'renameSync', 'chmodSync', 'fchmodSync', 'ftruncateSync', 'openSync'],
    ...['lstatSync', 'chownSync', 'fchownSync', 'lchownSync'],
  ],
}));

const tick = (): void => {
  if (++clock.calls >= clock.until) {
    clock.killed = true;
    throw new KilledError('killed');
  }
};

vi.mock('node:fs', async (original) => {
  const real = await original<Record<string, unknown>>();
  const wrapped = Object.fromEntries(
    changing.map((name) => [
      name,
      (...args: unknown[]) => {
        tick();
        return (real[name] as (...args: unknown[]) => unknown)(...args);
      },
    ]),
  );
  return { ...real, ...wrapped, default: { ...(real.default as object), ...wrapped } };
});

type Call = (...args: unknown[]) => unknown;
const counted = Object.fromEntries(
  Object.entries(native).map(([name, value]) => {
    if (typeof value !== 'function') return [name, value];
    const call = (...args: unknown[]): unknown => {
      tick();
      return (value as Call).apply(native, args);
    };
    return [name, call];
  }),
) as unknown as ChangesNative;

let fixture: Fixture;
beforeEach(() => {
  fixture = makeFixture();
});
afterEach(() => {
  alive();
  fixture.dispose();
});

const alive = (): void => {
  clock.until = Number.POSITIVE_INFINITY;
  clock.killed = false;
};
const host = (name: string): string => join(fixture.workdir, name);

/** Names that an `apply` of this run could use, as far as the run can know. */
const guesses = (id: string): string[] =>
  Array.from({ length: 24 }, (_, n) => `.wasbox-${id}-${n}`);

/** A run's ID differs each time; the names that it planted are compared without it. */
const withoutId = (path: string): string => path.replace(/\.wasbox-[0-9a-z]{9}-/, '.wasbox-ID-');

/** Text, or the target of a link, by path. */
function contents(root: string, path = ''): Record<string, string> {
  return Object.assign(
    {},
    ...fs.readdirSync(join(root, path), { withFileTypes: true }).map((entry) => {
      const inner = path === '' ? entry.name : `${path}/${entry.name}`;
      if (entry.isDirectory()) return { [`${withoutId(inner)}/`]: '', ...contents(root, inner) };
      const text = entry.isSymbolicLink()
        ? `-> ${fs.readlinkSync(join(root, inner))}`
        : fs.readFileSync(join(root, inner), 'utf8');
      return { [withoutId(inner)]: text };
    }),
  ) as Record<string, string>;
}

interface Case {
  readonly name: string;
  /** Makes what the host has. */
  readonly before: () => void;
  readonly script: (plants: readonly string[]) => string;
  /** Does, after the run, what another process changed on the host. */
  readonly meanwhile?: () => void;
  readonly options?: ApplyOptions;
  /** True if files are copied, as where the layer is on another file system. */
  readonly copies?: boolean;
}

const write = (name: string, text = 'old'): void => fs.writeFileSync(host(name), text);
const writeAll = (...names: readonly string[]): void => {
  for (const name of names) write(name);
};
const plant = (plants: readonly string[]): string =>
  plants.map((name) => `echo planted > '${name}'`).join('; ');

const cases: readonly Case[] = [
  {
    name: 'deletions',
    before: () => writeAll('a', 'b', 'c', 'z'),
    script: (plants) => `rm a b z; ${plant(plants)}`,
  },
  {
    name: 'a deletion of a name that is held, and one of another spelling',
    before: () => writeAll('.envrc', 'Makefile', 'makefile', 'z'),
    script: (plants) => `rm makefile z; ${plant(plants)}; echo run > .envrc`,
  },
  {
    name: 'edits that are copied',
    before: () => writeAll('a', 'b', 'z'),
    script: (plants) => `${plant(plants)}; echo run > a; echo run > b; echo run > z`,
    copies: true,
  },
  {
    name: 'edits that are moved',
    before: () => writeAll('a', 'b', 'z'),
    script: (plants) => `${plant(plants)}; echo run > a; echo run > b; echo run > z`,
  },
  {
    name: 'links, directories and hard links',
    before: () => {
      write('a');
      fs.mkdirSync(host('d'));
      write('e');
    },
    script: (plants) =>
      `${plant(plants)}; rm a; ln -s b a; rmdir d; echo run > d; rm e; mkdir e; echo run > e/x; echo run > h; ln h i; ln h j`,
  },
  {
    name: 'planted directories and links',
    before: () => writeAll('a', 'b', 'z'),
    script: (plants) =>
      `${plants.map((name, n) => (n % 2 === 0 ? `mkdir '${name}'; echo planted > '${name}/x'` : `ln -s b '${name}'`)).join('; ')}; rm a z; echo run > b`,
    copies: true,
  },
  {
    name: 'planted hard links of what is deleted',
    before: () => writeAll('a', 'b', 'z'),
    script: (plants) =>
      `${plants.map((name) => `ln -f b '${name}'`).join('; ')}; rm a z; echo run > b`,
  },
  {
    name: 'held names, and planted hard links of them',
    before: () => writeAll('.envrc', '.npmrc', 'a', 'z'),
    script: (plants) =>
      `${plants.map((name) => `ln -f .envrc '${name}'`).join('; ')}; rm .npmrc a; ln .envrc a; echo run > z; echo run > .envrc`,
  },
  {
    name: 'hard links of the host',
    before: () => {
      writeAll('a', '.envrc', 'z');
      fs.linkSync(host('a'), host('b'));
      fs.linkSync(host('.envrc'), host('c'));
    },
    script: (plants) => `${plant(plants)}; echo run > a; rm c z; echo run > c; ln c d; chmod 755 b`,
  },
  {
    name: 'names that differ in case only, and that become directories and back',
    before: () => {
      writeAll('a', 'A', 'f');
      for (const name of ['d', 'D']) fs.mkdirSync(host(name));
      writeAll('d/x', 'D/x');
    },
    script: (plants) =>
      `${plant(plants)}; rm a; echo run > A; mv d/x d/X; rm -r D; echo run > D; rm f; mkdir f; echo run > f/.Envrc`,
    copies: true,
  },
  {
    name: 'merges',
    before: () => write('m', `1\n${'line\n'.repeat(9)}2\n`),
    script: (plants) => `${plant(plants)}; sed -i 's/^2$/run/' m`,
    meanwhile: () => write('m', `user\n${'line\n'.repeat(9)}2\n`),
    options: { conflicts: 'merge' },
  },
];

/** A run of the case that has ended, in a new fixture. It knows its ID, and what `apply` may be called with. */
function prepare({ before, script, meanwhile }: Case): void {
  fixture.dispose();
  fixture = makeFixture();
  before();
  const run = startRun(fixture);
  inOverlay(run, ['sh', '-ec', script(guesses(run.record.id))]);
  finishRun(fixture.store, run, { succeeded: true }, 'keep');
  meanwhile?.();
}

/** Applies, and is cut off before the call of number `until`. Returns whether it was. */
function cutOff({ options, copies }: Case, until: number): boolean {
  const run = openRun(fixture.store);
  const moves = copies === true ? { hasNoWriter: () => false } : {};
  const store = { ...fixture.store, native: { ...counted, ...moves } };
  Object.assign(clock, { calls: 0, until });
  try {
    applyRun(store, run, options);
  } catch (error) {
    if (!clock.killed) throw error;
  }
  const { killed } = clock;
  alive();
  run.close();
  return killed;
}

let plants = 0;

/**
 * A file of another inode than these, at a place of its own. A file system gives the number of what was just removed
 * again: that file would be apply's own by all that there is to see.
 */
function plantedFile(recorded: ReadonlySet<bigint | undefined>): string {
  for (;;) {
    const path = join(fixture.base, `planted-${plants++}`);
    fs.writeFileSync(path, 'planted');
    if (!recorded.has(fs.statSync(path, { bigint: true }).ino)) return path;
  }
}

/** Plants what another process that watched the directory puts at the names that the journal has. Returns them. */
function plantAtJournal(): string[] {
  const runs = join(fixture.store.directory, 'runs');
  return fs.readdirSync(runs).flatMap((id) => {
    const journal = join(runs, id, 'apply');
    if (!fs.existsSync(journal)) return [];
    return parseJournal(fs.readFileSync(journal, 'latin1')).flatMap(({ entry, made }) => {
      if (entry.op !== 'temp' && entry.op !== 'take') return [];
      const path = join(entry.directory.toString(), entry.temp);
      if (!fs.existsSync(`${host(entry.directory.toString())}/.`)) return [];
      if (fs.existsSync(host(path))) fs.renameSync(host(path), join(fixture.base, entry.temp));
      fs.renameSync(plantedFile(new Set([made, entry.oldIno])), host(path));
      return [withoutId(path)];
    });
  });
}

/** How many calls of each case are cut off: all with WASBOX_CUTS=all. */
const some = { root: 4, user: 8 }[pass ?? ''] ?? 12;
const cuts = process.env.WASBOX_CUTS === 'all' ? Number.POSITIVE_INFINITY : some;

test.each(cases)(
  'an apply of $name that is cut off leaves only what was reviewed',
  (one) => {
    prepare(one);
    const before = contents(fixture.workdir);
    expect(cutOff(one, Number.POSITIVE_INFINITY)).toBe(false);
    const total = clock.calls;
    const after = contents(fixture.workdir);
    // Control: it did something, and much of it can be cut off.
    expect(after).not.toEqual(before);
    expect(total).toBeGreaterThan(20);
    let between = 0;
    const stride = Math.max(1, Math.floor(total / cuts));
    for (let until = 1 + Math.floor(stride / 2); until <= total; until += stride) {
      for (const watched of [false, true]) {
        prepare(one);
        expect(cutOff(one, until), `call ${until} of ${total}`).toBe(true);
        const planted = watched ? plantAtJournal() : [];
        const cut = contents(fixture.workdir);
        listRuns(fixture.store); // recovers
        const found = contents(fixture.workdir);
        for (const path of planted) {
          expect(found[path], `what another process put at ${path}`).toBe('planted');
          delete found[path];
        }
        for (const path of new Set([before, after, found].flatMap(Object.keys))) {
          const had = [before[path], after[path]];
          expect(had, `${path} after call ${until} of ${total}`).toContain(found[path]);
        }
        if (JSON.stringify(cut) !== JSON.stringify(before)) between++;
        if (watched) continue;
        // Nothing is lost: the rest comes with the next `apply`.
        if (listRuns(fixture.store).length > 0)
          expect(cutOff(one, Number.POSITIVE_INFINITY)).toBe(false);
        expect(contents(fixture.workdir)).toEqual(after);
      }
    }
    expect(between).toBeGreaterThan(0);
  },
  process.env.WASBOX_CUTS === 'all' ? 36_000_000 : 600_000,
);
