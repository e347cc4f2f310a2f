/** `preload` of sessions. Needs: user namespaces, overlayfs in them, python3, node in the system's directories. */
import { describe, expect, it } from 'vitest';
import { eventually, processesWith, uniqueMarker } from '../support/host.js';
import { identities } from '../support/identity.js';
import { runLibrary } from '../support/library-child.js';
import { makeProject } from '../support/project.js';
import { inSession } from '../support/session.js';

const python = `{ lang: 'python', changes: 'discard', preload: 'import json, time\\nbegun = time.monotonic()' }`;

const run = `const run = async (code, options) => {
  const { exitCode, stdout, stderr } = await session.exec({ lang: 'python', code, args: ['a b'] }, options);
  return [exitCode, stdout, stderr];
};
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));`;

describe.each(identities())('as $label', (as) => {
  it('runs code in a process that has run the preload, with nothing of the last one', async () => {
    const { lines } = await inSession(
      as,
      python,
      `${run}
       const code = 'import sys\\nprint(json.dumps([sys.argv, sys.stdin.read(), globals().get("left"), begun < time.monotonic()]))\\nleft = json.left = 1\\nprint(getattr(json, "left", 0))';
       for (let i = 0; i < 3; i++) show(await run(code, { input: 'typed' }));
       show(await run('import os; print(os.environ["X"])', { env: { X: 'y z' } }));
       show(await run('import os; print(os.environ.get("HOME"), os.getcwd(), json.dumps(1))', { env: { HOME: undefined }, cwd: '/' }));
       show((await run('x = json.nothing'))[0]);
       show((await session.exec(['python3', '-c', 'print("json" in globals())'])).stdout);
       show((await session.exec({ code: 'echo plain' })).stdout);`,
    );
    const first = [0, `[["-c", "a b"], "typed", null, true]\n1\n`, ''];
    expect(lines).toEqual([
      ...[first, first, first],
      [0, 'y z\n', ''],
      [0, 'None / 1\n', ''],
      1,
      'False\n', // words are no code: the control
      'plain\n',
    ]);
  });

  it('a session has preloaded before the code is known', async () => {
    const { lines } = await inSession(
      as,
      python,
      `${run}
       const before = async (pause) => { await sleep(pause); return Number((await run(\`print(time.monotonic() - begun > \${pause / 2000})\`))[1] === 'True\\n'); };
       show([await before(1500), await before(1500), await before(1500)]);
       const many = await Promise.all(Array.from({ length: 12 }, (_, i) => run(\`print(json.dumps(\${i}))\`)));
       show(many.map(([, out]) => Number(out)));`,
    );
    expect(lines).toEqual([[1, 1, 1], Array.from({ length: 12 }, (_, i) => i)]);
  });

  it('a session goes on where the waiting process was killed, and after a snapshot, a rollback and in a fork', async () => {
    const { lines } = await inSession(
      as,
      python,
      `${run}
       show(await run('print(json.dumps(1))'));
       await sleep(500);
       show((await session.exec(['sh', '-c', 'for p in /proc/[0-9]*; do grep -qz wasbox_tas[k] $p/cmdline 2> /dev/null && kill -9 \${p#/proc/}; done; true'])).exitCode);
       await sleep(200);
       show(await run('print(json.dumps(2))'));
       const taken = await session.snapshot();
       show(await run('open("file", "w").write("new"); print(json.dumps(3))'));
       await session.rollback(taken);
       show(await run('import os; print(os.path.exists("file"))'));
       const fork = await session.fork(taken);
       show((await fork.exec({ lang: 'python', code: 'print(json.dumps(4))' })).stdout);
       await fork.close();
       show((await session.exec({ lang: 'python', code: 'print(json.dumps(5), flush=True); x = b"x" * (300 << 20); time.sleep(9)' }, { memoryBytes: 1024 ** 2 * 64 })).limit);`,
    );
    expect(lines).toEqual([
      [0, '1\n', ''],
      0,
      [0, '2\n', ''],
      [0, '3\n', ''],
      [0, 'False\n', ''],
      '4\n',
      'memory',
    ]);
  });

  it('a session tells a preload that fails as the failure of the code, and refuses one that cannot be', async () => {
    const { lines } = await inSession(
      as,
      `{ lang: 'python', changes: 'discard', preload: 'import no_such_module' }`,
      `${run}
       const [status, out, err] = await run('print(1)');
       show([status, out, err.includes("No module named 'no_such_module'")]);
       show((await session.exec(['echo', 'usable'])).stdout);
       for (const options of [{ preload: 'x' }, { lang: 'sh', preload: 'x' }, { lang: 'python', preload: 1 }]) {
         await lib.createSession({ workdir: ${JSON.stringify('/')}, ...options }).catch(({ code }) => show(code));
       }`,
    );
    expect(lines).toEqual([
      [1, '', true],
      'usable\n',
      ...Array.from({ length: 3 }, () => 'ERR_OPTION_VALUE'),
    ]);
  });

  it('keeps no program from ending, and goes with it', async () => {
    const cwd = makeProject(as);
    const marker = uniqueMarker();
    const { out, status } = await runLibrary(
      `const session = await lib.createSession({ workdir: ${JSON.stringify(cwd)}, lang: 'python', changes: 'discard', preload: 'import json' });
       console.log((await session.exec({ lang: 'python', code: 'print(json.dumps(1)) # ${marker}' })).stdout.trim());`,
      { as, cwd, env: { XDG_STATE_HOME: `${cwd}.state` } },
    );
    expect([out.trim(), status]).toEqual(['1', 0]);
    expect(await eventually(() => processesWith(marker).length === 0)).toBe(true);
  });

  it('a session is ready in a pool of sessions', async () => {
    const cwd = makeProject(as);
    const { out, err } = await runLibrary(
      `const pool = await lib.createPool({ sessions: true, size: 1, workdir: ${JSON.stringify(cwd)}, lang: 'node', changes: 'discard', preload: 'globalThis.f = () => 7' });
       for (let i = 0; i < 2; i++) {
         const session = await pool.take();
         console.log((await session.exec({ lang: 'node', code: 'console.log(f(), typeof left); globalThis.left = 1' })).stdout.trim());
         await session.close();
       }
       await pool.close();`,
      { as, cwd, env: { XDG_STATE_HOME: `${cwd}.state` } },
    );
    expect([out, err]).toEqual(['7 undefined\n7 undefined\n', '']);
  });
});
