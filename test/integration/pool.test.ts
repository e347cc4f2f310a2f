/** `createPool` as a program uses it. Needs: user namespaces, overlayfs in them, python3. */
import { readlinkSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { descendantsOf, eventually, isAlive, listTree, uniqueMarker } from '../support/host.js';
import { identities, ordinaryUser } from '../support/identity.js';
import { runLibrary, startLibrary } from '../support/library-child.js';
import { needs } from '../support/needs.js';
import { inPool, left, patience } from '../support/pool.js';
import { makeProject } from '../support/project.js';

const task = `{ args: ['a b', "it's", ''], env: { X: 'y\\nz' }, input: 'typed' }`;
const codes = {
  python: `import sys, os
print(sys.argv, repr(os.environ['X']), sys.stdin.read(), __name__, sorted(k for k in globals() if k[0] != '_'))
sys.stdout.flush()
raise ValueError('oh')`,
  node: `process.stdout.write(JSON.stringify([process.argv.slice(1), process.env.X, require('fs').readFileSync(0, 'utf8')])); process.exitCode = 7`,
  sh: `printf '%s|' "$0" "$@" "$X" "$(cat)"; set; exit 9`,
} as const;

describe.each(identities())('as $label', (as) => {
  it.each(Object.keys(codes) as (keyof typeof codes)[])('%s: as a fresh run', async (runtime) => {
    const code = JSON.stringify(codes[runtime]);
    const strip = `const strip = ({ stdout, stderr, exitCode, report }) =>
      [stdout.replace(/^PPID=.*/m, ''), stderr, exitCode, report.argv, report.command, report.outcome, report.sandbox];`;
    const { lines } = await inPool(
      as,
      `{ lang: '${runtime}', size: 1 }`,
      `${strip}
       show(strip(await pool.run({ code: ${code}, ...${task} })));
       show(strip(await lib.run({ lang: '${runtime}', code: ${code}, ...${task}, workdir: process.cwd() })));`,
    );
    expect(lines[0]).toEqual(lines[1]);
    expect(lines[0][2]).not.toBe(0);
  });

  it('a pool gives every task a sandbox that nothing ran in before', async () => {
    const code = `import os
seen = os.path.exists('/tmp/mark') or os.path.exists('mark') or 'left' in globals()
left = 1; open('/tmp/mark', 'w').close(); open('mark', 'w').close()
print(seen, os.getpid(), *(os.readlink('/proc/self/ns/' + n) for n in ('mnt', 'pid', 'net', 'user', 'ipc', 'uts', 'cgroup')))`;
    const { lines, cwd, state } = await inPool(
      as,
      `{ lang: 'python', size: 3, changes: 'discard' }`,
      `const all = await Promise.all(Array.from({ length: 12 }, () => pool.run(${JSON.stringify(code)})));
       show(all.map(({ stdout }) => stdout.trim().split(' ')));
       show(all.map(({ changes }) => [changes.disposition, changes.counts.added]));`,
    );
    const [runs, changes] = lines as [string[][], unknown[]];
    expect(runs.map(([seen]) => seen)).toEqual(runs.map(() => 'False'));
    // The kernel may give a number to both of two sandboxes of which one ended before the other began.
    for (const run of runs) {
      const own = run.slice(2);
      expect(own).toHaveLength(7);
      for (const name of own) {
        const [kind = ''] = name.split(':');
        expect(name).not.toBe(readlinkSync(`/proc/self/ns/${kind}`));
      }
    }
    expect(changes).toEqual(changes.map(() => ['discarded', 1]));
    expect(listTree(cwd)).toEqual([]);
    expect(left(state)).toEqual([]);
  });

  it('keeps changes under the name of the task', async () => {
    const { lines } = await inPool(
      as,
      `{ lang: 'sh', changes: 'keep' }`,
      `const { changes, report } = await pool.run('echo new > file');
       show([changes.disposition, report.changes.paths.map(({ path }) => path), report.argv]);`,
    );
    expect(lines[0]).toEqual(['kept', ['file'], ['sh', '-c', 'echo new > file', 'sh']]);
  });

  it('a pool leaves nothing when its process ends, closed or not, or is killed', async () => {
    for (const end of ['process.exit(0)', '', 'process.kill(process.pid, "SIGKILL")']) {
      const cwd = makeProject(as);
      const state = `${cwd}.state`;
      const marker = uniqueMarker();
      const child = startLibrary(
        `const pool = await lib.createPool({ lang: 'python', size: 3, env: { M: '${marker}' } });
         await pool.run('pass');
         console.log('ready');
         process.stdin.once('data', () => { process.stdin.destroy(); ${end} });`,
        { as, cwd, env: { XDG_STATE_HOME: state } },
      );
      const ended = new Promise((resolve) => child.once('exit', resolve));
      let text = '';
      child.stdout?.on('data', (chunk) => {
        text += chunk;
      });
      expect(await eventually(() => text.includes('ready'), patience)).toBe(true);
      expect(await eventually(() => descendantsOf(child.pid ?? 0).length >= 2, patience)).toBe(
        true,
      );
      const all = descendantsOf(child.pid ?? 0);
      child.stdin?.write('x');
      await ended;
      expect(await eventually(() => all.every((pid) => !isAlive(pid)), patience)).toBe(true);
      if (end.includes('KILL')) {
        // Files wait for the next look at the runs.
        await runLibrary('await lib.run("true", [], { changes: "discard" })', {
          as,
          cwd,
          env: { XDG_STATE_HOME: state },
        });
      }
      expect(left(state)).toEqual([]);
    }
  });
});

const user = needs('ordinary user');

user.describe('a pool', () => {
  const as = ordinaryUser();

  it('runs files of the working directory', async () => {
    const cwd = makeProject(as, {
      'lib/helper.py': 'word = "helped"\n',
      'lib/main.py': 'import sys, helper\nprint(helper.word, sys.argv, __file__)\n',
      'main.mjs':
        'import fs from "node:fs"; console.log(typeof fs.readFileSync, process.argv[2])\n',
      'main.sh': 'echo "$0" "$1"\n',
    });
    const runs = [
      ['python', 'lib/main.py'],
      ['node', './main.mjs'],
      ['sh', './main.sh'],
      ['python', 'missing.py'],
    ] as const;
    for (const [runtime, file] of runs) {
      const { lines } = await inPool(
        as,
        `{ lang: '${runtime}', size: 1 }`,
        `const strip = ({ stdout, stderr, exitCode, report }) => [stdout, stderr, exitCode, report.argv];
         show(strip(await pool.run({ command: '${file}', args: ['x'] })));
         show(strip(await lib.run('${runtime}' === 'python' ? 'python3' : '${runtime}', ['${file}', 'x'], { workdir: process.cwd() })));`,
        cwd,
      );
      expect(lines[0]).toEqual(lines[1]);
    }
  });

  it('gives the next run a layer as new, whatever was done to the last', async () => {
    const { lines, state, cwd } = await inPool(
      as,
      `{ lang: 'sh', changes: 'discard' }`,
      `const marks = ['mkdir d; rmdir d', 'touch -d @1 .', 'm=$(stat -c %a .); chmod 711 .; chmod $m .', 'echo x > f; rm f', 'chmod 700 .', ':'];
       for (let round = 0; round < 3; round++) for (const mark of marks) {
         const marked = await pool.run(mark);
         const next = await pool.run('stat -c "%a %Y" . && ls -A');
         show([marked.exitCode, next.changes, next.stdout.trim()]);
       }`,
    );
    expect(lines).toHaveLength(18);
    for (const [status, changes, seen] of lines) {
      expect([status, changes]).toEqual([0, null]);
      const [mode, time, ...entries] = seen.split(/\s+/);
      expect(mode).toBe((statSync(cwd).mode & 0o7777).toString(8));
      expect(Number(time)).toBeGreaterThan(1);
      expect(entries).toEqual([]);
    }
    expect(left(state)).toEqual([]);
  });

  it('gives a command its input', async () => {
    const { lines } = await inPool(
      as,
      `{ command: 'tr', args: ['a-z', 'A-Z'] }`,
      `show((await pool.run('shout')).stdout);
       show((await pool.run({ input: new Uint8Array([98]) })).stdout);
       show(await pool.run({ code: 'x' }).catch(({ code }) => code));`,
    );
    expect(lines).toEqual(['SHOUT', 'B', 'ERR_OPTION_VALUE']);
  });
});
