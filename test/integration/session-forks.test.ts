/** Snapshots, rollbacks and forks of a session. Needs: user namespaces, overlayfs in them, python3, node. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { identities, ordinaryUser } from '../support/identity.js';
import { runLibrary } from '../support/library-child.js';
import { needs } from '../support/needs.js';
import { frozen, left } from '../support/pool.js';
import { makeProject } from '../support/project.js';
import { firstSeed as seed } from '../support/seeds.js';
import { inSession } from '../support/session.js';

const tools = `
  const sh = async (one, code) => (await one.exec({ code })).stdout.trim();
  const changed = async (one) => (await one.diff()).map(({ path, kind }) => kind + ' ' + path).sort();
`;
/** WASBOX_STEPS=200 WASBOX_SEED=7 for a longer comparison, or another one. */
const steps = Number(process.env.WASBOX_STEPS ?? 30);

describe.each(identities())('as $label', (as) => {
  it('a session goes back to a state of its files, and to any other', async () => {
    const cwd = makeProject(as, { host: 'host\n', 'dir/inner': 'inner\n', gone: 'gone\n' });
    const { lines, state } = await inSession(
      as,
      `{ changes: 'discard' }`,
      `${tools}
       await sh(session, 'echo one > new; rm gone; echo more >> host; echo h > ~/.history');
       const first = await session.snapshot();
       await sh(session, 'rm new; rm -r dir; mkdir dir; echo 2 > dir/second; rm ~/.history; echo back > gone');
       show([await sh(session, 'ls -A . dir; cat ~/.history || echo none'), await changed(session)]);
       const second = await session.snapshot();
       await session.rollback(first);
       show([await sh(session, 'ls -A . dir; cat ~/.history new host dir/inner'), await changed(session)]);
       await session.rollback(second);
       show([await sh(session, 'ls -A . dir; cat ~/.history || echo none'), await changed(session)]);
       show([first.id !== second.id, session.pid > 0]);`,
      cwd,
    );
    const after = [
      '.:\ndir\ngone\nhost\n\ndir:\nsecond\nnone',
      ['added dir/second', 'deleted dir/inner', 'modified gone', 'modified host'],
    ];
    expect(lines.slice(0, 3)).toEqual([
      after,
      [
        '.:\ndir\nhost\nnew\n\ndir:\ninner\nh\none\nhost\nmore\ninner',
        ['added new', 'added ~/.history', 'deleted gone', 'modified host'],
      ],
      after,
    ]);
    expect(lines[3]).toEqual([true, true]);
    expect([left(state), frozen(state)]).toEqual([[], []]);
    expect(readFileSync(join(cwd, 'host'), 'utf8')).toBe('host\n');
  });

  it('forks of forks go their own ways, and each is reviewed by itself', async () => {
    const cwd = makeProject(as, { file: 'host\n' });
    const { lines, state } = await inSession(
      as,
      `{ changes: 'keep' }`,
      `${tools}
       await sh(session, 'echo 0 >> file; echo 0 > zero; echo 0 > gone');
       const chain = [session];
       for (let i = 1; i <= 3; i++) {
         const fork = await chain[i - 1].fork();
         chain.push(fork);
         await sh(fork, \`echo \${i} >> file; echo \${i} > made-\${i}; rm -f gone\`);
       }
       await sh(session, 'echo parent >> zero');
       show(await Promise.all(chain.map((one) => sh(one, 'cat file; cat zero; ls'))));
       const unused = await chain[2].fork();
       show((await unused.close()).changes ?? 'none');
       const kept = [];
       for (const one of chain.slice(1)) kept.push((await one.close()).kept);
       kept.push((await session.close()).kept);
       show(await Promise.all(kept.map(async (run) => (await run.diff()).map(({ kind, path }) => kind + ' ' + path).sort())));
       show((await kept[2].apply()).applied.length);
       for (const run of [kept[0], kept[1], kept[3]]) await run.discard();`,
      cwd,
    );
    expect(lines[0]).toEqual([
      'host\n0\n0\nparent\nfile\ngone\nzero',
      'host\n0\n1\n0\nfile\nmade-1\nzero',
      'host\n0\n1\n2\n0\nfile\nmade-1\nmade-2\nzero',
      'host\n0\n1\n2\n3\n0\nfile\nmade-1\nmade-2\nmade-3\nzero',
    ]);
    expect(lines.slice(1)).toEqual([
      'none',
      [
        ['added made-1', 'added zero', 'modified file'],
        ['added made-1', 'added made-2', 'added zero', 'modified file'],
        ['added made-1', 'added made-2', 'added made-3', 'added zero', 'modified file'],
        ['added gone', 'added zero', 'modified file'],
      ],
      5,
    ]);
    expect(readFileSync(join(cwd, 'file'), 'utf8')).toBe('host\n0\n1\n2\n3\n');
    expect([left(state), frozen(state)]).toEqual([[], []]);
  });

  it('applies what it has changed so far, and goes on', async () => {
    const cwd = makeProject(as, { edited: 'host\n', removed: 'x\n', later: 'l\n' });
    const { lines } = await inSession(
      as,
      `{ changes: 'apply' }`,
      `${tools}
       const { readFileSync, existsSync } = await import('node:fs');
       await sh(session, 'echo 1 >> edited; rm removed; mkdir -p a/b; echo new > a/b/c');
       await session.snapshot();
       await sh(session, 'echo 2 >> edited; echo other > other');
       show((await session.apply(['edited'])).applied.map(({ path }) => path));
       show([readFileSync('edited', 'utf8'), existsSync('removed'), await changed(session)]);
       await sh(session, 'echo 3 >> edited');
       show((await session.apply()).applied.map(({ path, kind }) => kind + ' ' + path).sort());
       show([readFileSync('edited', 'utf8'), existsSync('removed'), await changed(session)]);
       await sh(session, 'echo 4 >> edited; echo 4 >> later; rm other; echo back > removed');
       show((await session.apply({ dryRun: true })).applied.length);
       show((await session.close()).changes);`,
      cwd,
    );
    expect(lines.slice(0, 5)).toEqual([
      ['edited'],
      [
        'host\n1\n2\n',
        true,
        ['added a', 'added a/b', 'added a/b/c', 'added other', 'deleted removed'],
      ],
      ['added a', 'added a/b', 'added a/b/c', 'added other', 'deleted removed', 'modified edited'],
      ['host\n1\n2\n3\n', false, []],
      4,
    ]);
    expect(lines[5]).toMatchObject({ disposition: 'applied' });
    const read = (name: string) => readFileSync(join(cwd, name), 'utf8');
    expect([read('edited'), read('later'), read('removed')]).toEqual([
      'host\n1\n2\n3\n4\n',
      'l\n4\n',
      'back\n',
    ]);
    expect(existsSync(join(cwd, 'other'))).toBe(false);
  });

  it(
    `a session has the files of the same steps outside (seed ${seed})`,
    async () => {
      const cwd = makeProject(as, {
        f: 'host f\n',
        'old/keep': 'host keep\n',
        'old/deep/file': 'host file\n',
        'dir/g': 'host g\n',
      });
      const oracle = makeProject(as);
      const script = fileURLToPath(new URL('../support/session-steps.mjs', import.meta.url));
      // Root opens what is closed to others.
      const modes =
        as.uid === 0
          ? ['755', '700', '777']
          : ['644', '600', '755', '444', '555', '000', '500', '300'];
      const options = {
        workdir: cwd,
        oracle,
        steps,
        seed,
        modes,
      };
      const program = `${readFileSync(script, 'utf8').replace('export async function', 'async function')}
      console.log(JSON.stringify(await steps(lib, ${JSON.stringify(options)})));`;
      const env = { XDG_STATE_HOME: `${cwd}.state` };
      const { out, err, status } = await runLibrary(program, {
        as,
        cwd,
        env,
        timeoutMs: 1000 * (60 + steps * 10),
      });
      expect([err, status]).toEqual(['', 0]);
      expect(JSON.parse(out)).toMatchObject({ exists: true });
      expect([left(`${cwd}.state`), frozen(`${cwd}.state`)]).toEqual([[], []]);
    },
    1000 * (120 + steps * 10),
  );
});

const as = ordinaryUser();
const user = needs('ordinary user');

user.test(
  'a fork has a run of its own once something runs in it, whatever became of where it comes from',
  async () => {
    const { lines, state } = await inSession(
      as,
      `{ changes: 'keep' }`,
      `${tools}
     const { readdirSync, writeFileSync } = await import('node:fs');
     const place = process.env.XDG_STATE_HOME + '/wasbox/';
     const runs = () => readdirSync(place + 'runs').length;
     await sh(session, 'echo one > file');
     const taken = await session.snapshot();
     const before = runs();
     const forks = [];
     for (let i = 0; i < 50; i++) forks.push(await session.fork(taken));
     const first = await forks[1].fork();
     const second = await first.fork();
     show([runs() - before, second.workdir === session.workdir]);
     // The control: one that something runs in, or that is asked for its id.
     const { id } = forks[2];
     show([await sh(forks[0], 'cat file; echo own > own'), runs() - before, readdirSync(place + 'runs').includes(id)]);
     // Nothing but the forks needs the layer from here on, and a look at the runs removes what no process needs.
     const layer = place + 'frozen/' + taken.id;
     writeFileSync(layer + '/refs/process-0123456789abcdef', '');
     await sh(session, 'echo two > file');
     await (await session.close()).kept.discard();
     await lib.listRuns();
     show(readdirSync(layer + '/refs').filter((name) => name.startsWith('process-')).length);
     show([await sh(second, 'cat file'), await sh(forks[3], 'cat file'), await changed(forks[4])]);
     const base = await forks[5].snapshot();
     await sh(forks[5], 'rm file');
     await forks[5].rollback(base);
     show(await sh(forks[5], 'cat file'));
     const results = await Promise.all([first, second, ...forks].map((one) => one.close()));
     show(results.filter(({ kept }) => kept !== undefined).length);
     for (const { kept } of results) await kept?.discard();
     show(forks[9].id ?? 'none');`,
    );
    expect(lines).toEqual([
      [0, true],
      ['one', 2, true],
      1,
      ['one', 'one', ['added file']],
      'one',
      4,
      'none',
    ]);
    expect([left(state), frozen(state)]).toEqual([[], []]);
  },
);

user.test('a session says what cannot be, and goes on', async () => {
  const { lines } = await inSession(
    as,
    `{ changes: 'discard' }`,
    `${tools}
     const code = (promise) => promise.then(() => 'done', ({ code, message }) => code ?? message);
     const taken = await session.snapshot();
     const slow = await session.spawn(['sleep', '1000']);
     show([await code(session.snapshot()), await code(session.fork())]);
     const gone = slow.result.then(() => 'ended', ({ code }) => code);
     await session.rollback(taken);
     show([await gone, await sh(session, 'echo usable')]);
     show(await code(session.rollback({})));
     const fork = await session.fork(taken);
     await fork.rollback(taken);
     taken.release();
     show([await code(session.rollback(taken)), await sh(fork, 'echo usable')]);
     const other = await lib.createSession({ changes: 'discard' });
     show(await code(other.rollback(await session.snapshot())));
     await other.close();
     const last = await fork.snapshot();
     await fork.close();
     show([await code(session.fork(last)), await code(fork.snapshot())]);
     show((await session.report()).started);`,
  );
  expect(lines).toEqual([
    ['ERR_SESSION_BUSY', 'ERR_SESSION_BUSY'],
    ['ERR_SESSION_ROLLBACK', 'usable'],
    'ERR_USAGE',
    ['ERR_SNAPSHOT', 'usable'],
    'ERR_SNAPSHOT',
    ['ERR_SNAPSHOT', 'ERR_SESSION_CLOSED'],
    2,
  ]);
});

user.test('merges a stack of many layers, and limits hold for all of it', async () => {
  const { lines, state } = await inSession(
    as,
    `{ changes: 'discard', diskBytes: 3_000_000 }`,
    `${tools}
     const taken = [];
     for (let i = 0; i < 60; i++) {
       await sh(session, \`echo \${i} > file-\${i % 7}; rm -f file-\${(i + 3) % 7}; echo \${i} >> all\`);
       taken.push(await session.snapshot());
     }
     show(await sh(session, 'cat file-*; wc -l < all'));
     await session.rollback(taken[30]);
     show(await sh(session, 'cat file-*; wc -l < all'));
     for (const one of taken) one.release();
     show(await changed(session));
     await sh(session, 'head -c 2000000 /dev/zero > big');
     await session.snapshot();
     show(await session.exec({ code: 'head -c 2000000 /dev/zero > more; sleep 1000' }).then(() => 'done', ({ code }) => code));
     show((await session.close()).report.outcome.limit);`,
  );
  expect(lines).toEqual([
    '56\n57\n58\n59\n60',
    '28\n29\n30\n27\n31',
    ['added all', 'added file-0', 'added file-1', 'added file-2', 'added file-6'],
    'ERR_SESSION_CLOSED',
    'disk',
  ]);
  expect([left(state), frozen(state)]).toEqual([[], []]);
});

user.test('a run that was a fork can be continued, and changes no other', async () => {
  const cwd = makeProject(as);
  const env = { XDG_STATE_HOME: `${cwd}.state` };
  const child = await runLibrary(
    `const session = await lib.createSession({ workdir: ${JSON.stringify(cwd)} });
     await session.exec({ code: 'echo shared > shared; ln shared second' });
     const fork = await session.fork();
     await fork.exec({ code: 'echo own > own' });
     const { kept } = await fork.close();
     await lib.run('sh', ['-c', 'echo continued >> shared'], { workdir: ${JSON.stringify(cwd)}, continue: kept.id, changes: 'keep' });
     const seen = await session.exec({ code: 'cat shared second' });
     const again = await lib.openRun(kept.id);
     console.log(JSON.stringify([seen.stdout, Buffer.from(await again.read('shared')).toString(), Buffer.from(await again.read('second')).toString()]));
     await session.close();`,
    { as, cwd, env },
  );
  expect(child.err).toBe('');
  expect(JSON.parse(child.out)).toEqual([
    'shared\nshared\n',
    'shared\ncontinued\n',
    'shared\ncontinued\n',
  ]);
});

user.test(
  'a session goes back in a home that is shown copy-on-write, with the state directory in it',
  async () => {
    // The state is in home, like ~/.local/state by default: no directory of an overlay may lie in another one.
    const home = makeProject(as, {
      'project/file': 'host\n',
      '.config/tool': 'host\n',
      old: 'old\n',
    });
    const env = { HOME: home, XDG_STATE_HOME: join(home, '.local/state') };
    const cwd = join(home, 'project');
    const { out, err } = await runLibrary(
      `${tools}
     const show = (value) => console.log(JSON.stringify(value));
     const session = await lib.createSession({ home: 'cow', changes: 'keep' });
     await sh(session, 'echo 1 >> ~/.config/tool; rm ~/old; echo 1 > ~/new; echo 1 >> file');
     const taken = await session.snapshot();
     await sh(session, 'echo 2 >> ~/.config/tool; echo back > ~/old; rm ~/new; echo 2 >> file');
     const fork = await session.fork(taken);
     await sh(fork, 'echo fork >> ~/.config/tool');
     const look = (one) => sh(one, 'cat ~/.config/tool file; ls ~');
     show([await look(session), await look(fork)]);
     await session.rollback(taken);
     show([await look(session), await changed(session)]);
     for (const one of [fork, session]) {
       const { kept } = await one.close();
       show((await kept.diff()).map(({ path, kind }) => kind + ' ' + path).sort());
       await kept.discard();
     }`,
      { as, cwd, env },
    );
    expect(err).toBe('');
    const all = ['added ~/new', 'deleted ~/old', 'modified file', 'modified ~/.config/tool'];
    expect(
      out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      ['host\n1\n2\nhost\n1\n2\nold\nproject', 'host\n1\nfork\nhost\n1\nnew\nproject'],
      ['host\n1\nhost\n1\nnew\nproject', all],
      all,
      all,
    ]);
    expect([left(env.XDG_STATE_HOME), frozen(env.XDG_STATE_HOME)]).toEqual([[], []]);
  },
);

user.test('a pool holds sessions ready, each for one taker', async () => {
  const { lines, state } = await inSession(
    as,
    `{ changes: 'discard' }`,
    `const pool = await lib.createPool({ sessions: true, size: 2, maxRunning: 3, changes: 'discard' });
     const some = await Promise.all([pool.take(), pool.take(), pool.take()]);
     show(await Promise.all(some.map(async (one, i) => (await one.exec({ code: 'ls; echo ' + i + ' > file; cat file' })).stdout)));
     const late = pool.take();
     const waits = await Promise.race([late.then(() => 'taken'), new Promise((resolve) => setTimeout(() => resolve('waits'), 300))]);
     await some[0].close();
     const fourth = await late;
     show([waits, (await fourth.exec(['ls'])).stdout, new Set([...some, fourth].map(({ id }) => id)).size, pool.state.running]);
     const fork = await fourth.fork();
     show((await fork.exec(['echo', 'forked'])).stdout);
     await fork.close();
     show(await lib.createPool({ sessions: true, timeoutMs: 5 }).catch(({ code }) => code));
     await pool.close({ force: true });
     show([await pool.take().catch(({ code }) => code), await some[1].exec(['true']).catch(({ code }) => code)]);`,
  );
  expect(lines).toEqual([
    ['0\n', '1\n', '2\n'],
    ['waits', '', 4, 3],
    'forked\n',
    'ERR_OPTION_UNKNOWN',
    ['ERR_POOL_CLOSED', 'ERR_SESSION_CLOSED'],
  ]);
  expect([left(state), frozen(state)]).toEqual([[], []]);
});

user.test('a worker thread that is terminated leaves what can be reviewed', async () => {
  const cwd = makeProject(as);
  const env = { XDG_STATE_HOME: `${cwd}.state` };
  const program = `import { Worker } from 'node:worker_threads';
    const worker = new Worker(
      \`import(process.env.LIBRARY).then(async (lib) => {
         const session = await lib.createSession({ workdir: process.cwd() });
         await session.exec({ code: 'echo kept > file' });
         await session.snapshot();
         (await import('node:worker_threads')).parentPort.postMessage('ready');
         setInterval(() => {}, 1000);
       })\`, { eval: true });
    await new Promise((resolve) => worker.once('message', resolve));
    await worker.terminate();
    let [run] = await lib.listRuns();
    while (run.status === 'running') {
      await new Promise((resolve) => setTimeout(resolve, 50));
      [run] = await lib.listRuns();
    }
    const kept = await lib.openRun(run.id);
    console.log(JSON.stringify([run.status, (await kept.diff()).map(({ path }) => path)]));
    await kept.discard();`;
  const library = join(dirname(as.cli), 'index.js');
  const { out, err } = await runLibrary(program, { as, cwd, env: { ...env, LIBRARY: library } });
  expect(err).toBe('');
  expect(JSON.parse(out)).toEqual(['interrupted', ['file']]);
});
