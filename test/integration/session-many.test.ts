/**
 * A session of many programs in three languages, with forks of forks, beside the same steps outside; and one whose owner
 * is killed. Needs: user namespaces, overlayfs in them, python3, node. WASBOX_KILLS=100 for as many random ones.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually, processesWith, uniqueMarker } from '../support/host.js';
import { identities, ordinaryUser } from '../support/identity.js';
import { startLibrary } from '../support/library-child.js';
import { frozen, left } from '../support/pool.js';
import { makeProject } from '../support/project.js';
import { inSession } from '../support/session.js';
import { runWasbox } from '../support/wasbox.js';

/** A step in one of three languages, which changes files of its own. */
function step(i: number): readonly [lang: string, code: string] {
  const [dir, file] = [`d${i % 7}`, `f${i}`];
  const steps = [
    [
      'python',
      `import os; os.makedirs("${dir}", exist_ok=True); open("${dir}/${file}", "w").write("py ${i}")`,
    ],
    [
      'node',
      `const fs = require("fs"); fs.mkdirSync("${dir}", { recursive: true }); fs.writeFileSync("${dir}/${file}", "js ${i}")`,
    ],
    ['sh', `mkdir -p ${dir}; printf 'sh %s' ${i} > ${dir}/${file}; ln -s ${file} ${dir}/l${i}`],
  ] as const;
  return steps[i % steps.length] ?? steps[2];
}

const program = { python: ['python3', '-c'], node: ['node', '-e'], sh: ['sh', '-c'] } as const;

/** Every file below a directory, with what it holds. */
function filesBelow(root: string, below = ''): Record<string, string> {
  const all: Record<string, string> = {};
  for (const entry of readdirSync(join(root, below), { withFileTypes: true })) {
    const path = join(below, entry.name);
    if (entry.isDirectory()) Object.assign(all, filesBelow(root, path));
    else all[path] = readFileSync(join(root, path), 'utf8');
  }
  return all;
}

const count = 200;
const asked = process.env.WASBOX_KILLS;
const kills = Number(asked ?? 4);
/** Mounts that name a path: other programs make and remove theirs meanwhile. */
const mountsOf = (path: string): string[] =>
  readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.includes(path));

describe.each(identities())('as $label', (as) => {
  it('200 programs, twenty at a time, and forks of forks leave the files of the same steps outside', async () => {
    const marker = uniqueMarker();
    const [outside, cwd] = [makeProject(as), makeProject(as)];
    const steps = Array.from({ length: count }, (_, i) => step(i));
    for (const [lang, code] of steps) {
      const [command, ...words] = program[lang as keyof typeof program];
      execFileSync(command, [...words, code], { cwd: outside });
    }
    const { lines, state } = await inSession(
      as,
      '{}',
      `const { readdirSync } = await import('node:fs');
       const steps = ${JSON.stringify(steps)};
       const held = () => readdirSync('/proc/self/fd').length;
       const run = async (one, some) => {
         const todo = [...some];
         await Promise.all(Array.from({ length: 20 }, async () => {
           for (let next = todo.shift(); next; next = todo.shift()) {
             const [lang, code] = next;
             const { exitCode, stderr } = await one.exec({ lang, code: code + (lang === 'python' ? ' # ' : lang === 'node' ? ' // ' : ' # ') + '${marker}' });
             if (exitCode !== 0) throw new Error(stderr);
           }
         }));
       };
       const paths = async (one) => (await one.diff()).length;
       await run(session, steps.slice(0, 20));
       const before = held();
       await run(session, steps.slice(20, 50));
       const forks = [session];
       for (let depth = 1; depth <= 3; depth++) {
         const fork = await forks.at(-1).fork();
         await run(fork, steps.slice(depth * 50, depth * 50 + 50));
         forks.push(fork);
       }
       show(await Promise.all(forks.map(paths)));
       await forks[3].apply();
       for (const fork of forks.slice(1)) await (await fork.close()).kept?.discard();
       await session.snapshot();
       for (let i = 0; i < 100 && held() > before; i++) await new Promise((resolve) => setTimeout(resolve, 50));
       show(held() - before);
       await (await session.close()).kept?.discard();`,
      cwd,
    );
    const [first = [], descriptors] = lines;
    expect(first).toHaveLength(4);
    expect([...first].sort((a, b) => a - b)).toEqual(first);
    expect(new Set(first).size).toBe(4); // each fork has more than the one that it comes from
    expect(descriptors).toBeLessThan(3); // none for each program or fork
    expect(filesBelow(cwd)).toEqual(filesBelow(outside));
    expect([left(state), frozen(state)]).toEqual([[], []]);
    expect(await eventually(() => processesWith(marker).length === 0)).toBe(true);
    expect(mountsOf(cwd)).toEqual([]);
  });
});

const as = ordinaryUser();

it('removes what a rollback drops while it goes on, and at the latest when it is closed', async () => {
  const { lines, state } = await inSession(
    as,
    `{ changes: 'discard' }`,
    `const { readdirSync } = await import('node:fs');
     const dropped = () => readdirSync(process.env.XDG_STATE_HOME + '/wasbox/runs/' + session.id).filter((name) => name.startsWith('dropped')).length;
     const base = await session.snapshot();
     const fill = () => session.exec({ code: 'for i in $(seq 300); do mkdir -p d/$i; echo $i > d/$i/file; done; mkdir -m 0 closed' });
     await fill();
     await session.rollback(base);
     show((await session.exec(['ls', '-A'])).stdout);
     for (let i = 0; i < 200 && dropped() > 0; i++) await new Promise((resolve) => setTimeout(resolve, 25));
     show(dropped());
     await fill();
     await session.rollback(base);`,
  );
  expect(lines).toEqual(['', 0]);
  expect([left(state), frozen(state)]).toEqual([[], []]);
});

/** Says what an owner does once it is ready, and in how many milliseconds from then it is killed at the latest. */
const owners = {
  works: {
    during: 800,
    code: (marker: string) => `
       await session.exec({ code: 'echo kept > first; : ${marker}' });
       console.log('ready');
       for (let i = 0; ; i++) {
         const taken = await session.snapshot();
         await session.exec({ code: 'echo ' + i + ' > step; rm -f other; mkdir -p dir; echo ' + i + ' > dir/' + i });
         const [fork] = [await session.fork(), await session.fork()]; // one that nothing runs in, too
         await fork.exec({ code: 'echo fork > forked; rm step' });
         if (i % 2) await session.rollback(taken);
       }`,
  },
  begins: {
    during: 200,
    code: (marker: string) => `
       await session.exec({ code: 'echo kept > first; : ${marker}' });
       setInterval(() => {}, 1000);`,
  },
  ends: {
    during: 60,
    code: (marker: string) => `
       await session.exec({ code: 'echo kept > first; : ${marker}' });
       const fork = await session.fork();
       await fork.exec({ code: 'echo fork > forked' });
       console.log('ready');
       await Promise.all([fork.close(), session.close()]);
       setInterval(() => {}, 1000);`,
  },
} as const;

/** Others only if many kills are asked for. */
const ownersInTurn = asked === undefined ? ['works'] : ['works', 'begins', 'works', 'ends'];

/** Returns what is in a directory of the state directory; nothing if it is not made yet. */
function entriesOf(state: string, name: string): string[] {
  const directory = join(state, 'wasbox', name);
  return existsSync(directory) ? readdirSync(directory) : [];
}

it(
  'a session is whole when its owner is killed at any moment',
  async () => {
    for (let round = 0; round < kills; round++) {
      const owner = ownersInTurn[round % ownersInTurn.length] as keyof typeof owners;
      const { during, code } = owners[owner];
      const moment = asked === undefined ? 37 + round * 151 : Math.random() * during;
      const cwd = makeProject(as, { file: 'host\n' });
      const marker = uniqueMarker();
      const env = { XDG_STATE_HOME: `${cwd}.state` };
      const child = startLibrary(
        `${owner === 'begins' ? "console.log('ready');" : ''}
       const session = await lib.createSession({ workdir: ${JSON.stringify(cwd)} });
       ${code(marker)}`,
        { as, cwd, env },
      );
      await new Promise((resolve) => child.stdout?.once('data', resolve));
      await new Promise((resolve) => setTimeout(resolve, moment));
      child.kill('SIGKILL');
      expect(await eventually(() => processesWith(marker).length === 0)).toBe(true);
      // Nothing but runs that can be reviewed: each has what was there first. The last sandbox may still be ending.
      const isSaved = async () => {
        const { status, err } = await runWasbox(['runs', '--json'], { as, cwd, env });
        expect([status, err]).toEqual([0, '']);
        return frozen(`${cwd}.state`).length + entriesOf(`${cwd}.state`, 'runs').length === 0;
      };
      for (let tries = 0; tries < 200 && !(await isSaved()); tries++) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect(await isSaved()).toBe(true);
      const saved = entriesOf(`${cwd}.state`, 'saved');
      if (owner !== 'begins') expect(saved.length).toBeGreaterThan(0);
      for (const id of saved) {
        const diff = await runWasbox(['diff', '--name-only', id], { as, cwd, env });
        expect([owner, moment, diff.out.split('\n')]).toEqual([
          owner,
          moment,
          expect.arrayContaining(['first']),
        ]);
      }
      const [oldest] = saved;
      if (oldest !== undefined) {
        const applied = await runWasbox(['apply', oldest], { as, cwd, env });
        expect(applied.status, applied.err + applied.out).toBe(0);
        // Killed as the file was made, it may be empty.
        const text = readFileSync(join(cwd, 'first'), 'utf8');
        expect(owner === 'begins' ? ['', 'kept\n'] : ['kept\n']).toContain(text);
      }
      if (saved.length > 0) {
        const rest = await runWasbox(['discard', '--all'], { as, cwd, env });
        expect(rest.status, rest.err).toBe(0);
      }
      expect(left(`${cwd}.state`)).toEqual([]);
    }
  },
  kills * 20_000,
);

it.each([
  ['a rollback that was cut off is carried out', 'reset-123', true, 'first\n'],
  ['also if an earlier version began it', true, false, 'first\n'],
  ['a rollback that was done is not done again', 'reset-123', false, 'first\nlate\n'],
])('%s', async (_, reset, hasFile, expected) => {
  const cwd = makeProject(as);
  const env = { XDG_STATE_HOME: `${cwd}.state` };
  const child = startLibrary(
    `const session = await lib.createSession({ workdir: ${JSON.stringify(cwd)} });
     await session.exec({ code: 'echo kept > first' });
     await session.snapshot();
     await session.exec({ code: 'echo late > late' });
     console.log(session.id);
     setInterval(() => {}, 1000);`,
    { as, cwd, env },
  );
  const id = String(await new Promise((resolve) => child.stdout?.once('data', resolve))).trim();
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGKILL');
  await ended;
  // The owner leaves it so between two steps of a rollback, and after one.
  const directory = join(`${cwd}.state`, 'wasbox', 'runs', id);
  const record = JSON.parse(readFileSync(join(directory, 'run.json'), 'utf8'));
  writeFileSync(join(directory, 'run.json'), JSON.stringify({ ...record, reset }));
  if (hasFile) writeFileSync(join(directory, String(reset)), '');
  // The sandbox may still be ending.
  let out = '';
  for (let tries = 0; tries < 400 && out !== expected; tries++) {
    await runWasbox(['runs'], { as, cwd, env });
    out = (await runWasbox(['diff', '--name-only', id], { as, cwd, env })).out;
  }
  expect(out).toBe(expected);
  await runWasbox(['discard', id], { as, cwd, env });
  expect([left(`${cwd}.state`), frozen(`${cwd}.state`)]).toEqual([[], []]);
});
