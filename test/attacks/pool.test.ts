/**
 * A sandbox that waited before it ran something is as closed as a fresh one: the same payloads, given
 * to a pool as tasks, get the same answers as from `wasbox run`, and what one task does is nothing to
 * the next. Needs: user namespaces, overlayfs in them, python3, cc.
 */
import * as fs from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { eventually, mountsNaming, processesWith, uniqueMarker } from '../support/host.js';
import { type Identity, identities } from '../support/identity.js';
import { runLibrary } from '../support/library-child.js';
import { compilePayload, parseAttempts, payloadText } from '../support/payload.js';
import { makeProject } from '../support/project.js';
import { type Ended, runProgram, runWasbox } from '../support/wasbox.js';
import { weakenedArgv } from '../support/weaken.js';

const source = fs.readFileSync(
  fileURLToPath(new URL('payloads/attempt.c', import.meta.url)),
  'utf8',
);
/** All that attempt.c can try. */
const attempts = [...source.matchAll(/\bROW\((\w+)\)/g)]
  .map(([, name = '']) => name)
  .filter((name) => name !== 'name');

/** Gives the tasks to a pool, one after the other, and prints their results as JSON. */
async function pooled(
  as: Identity,
  runtime: string,
  tasks: readonly object[],
  cwd: string,
): Promise<{ stdout: string; stderr: string; exitCode: number }[]> {
  const program = `
    const pool = await lib.createPool({ lang: ${JSON.stringify(runtime)}, size: 2, changes: 'discard' });
    for (const task of ${JSON.stringify(tasks)}) {
      const { stdout, stderr, exitCode } = await pool.run(task);
      console.log(JSON.stringify({ stdout, stderr, exitCode }));
    }
    await pool.close();`;
  const { out, err, status } = await runLibrary(program, { as, cwd, timeoutMs: 110_000 });
  expect(err).toBe('');
  expect(status).toBe(0);
  return out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

const answers = (text: string): Record<string, string> =>
  Object.fromEntries(
    [...parseAttempts(text)].map(([name, { kind, value }]) => [
      name,
      kind === 'ok' ? kind : `${kind} ${value}`,
    ]),
  );

describe.each(identities())('a pooled task, as $label', (as) => {
  test('is refused the same calls as a fresh run', async () => {
    expect(attempts.length).toBeGreaterThan(50);
    const cwd = makeProject(as);
    compilePayload(as, 'attempt', cwd);
    const command = ['./attempt', ...attempts];
    const machine = hostname();
    const [[inPool], fresh, unfiltered] = await Promise.all([
      pooled(as, 'sh', [{ code: command.join(' ') }], cwd),
      runWasbox(['run', '-q', '--discard', '--', ...command], { as, cwd }),
      runProgram(weakenedArgv(as, ['seccomp'], ['-q', '--discard', '--', ...command]), { as, cwd }),
    ]);
    const seen = answers(inPool?.stdout ?? '');
    expect(Object.keys(seen).length).toBe(new Set(attempts).size);
    expect(seen).toEqual(answers(fresh.out));
    // Control: the same without its filter gets other answers.
    const other = answers(unfiltered.out);
    expect(attempts.filter((name) => other[name] !== seen[name]).length).toBeGreaterThan(25);
    expect(hostname()).toBe(machine);
  });

  test('sees no more of the machine than a fresh run', async () => {
    const mark = uniqueMarker();
    const cwd = makeProject(as, { 'probe.py': payloadText('probe.py') });
    const canary = join(as.home, `.${mark}`);
    fs.writeFileSync(canary, 'secret');
    fs.chownSync(canary, as.uid, as.gid);
    try {
      const [[inPool], fresh] = await Promise.all([
        pooled(as, 'python', [{ command: 'probe.py', args: [mark] }], cwd),
        runWasbox(['run', '-q', '--discard', 'probe.py', mark], { as, cwd }),
      ]);
      const facts = (text: string) => {
        const found = JSON.parse(text);
        const {
          wrote,
          sysctl,
          uid,
          cwd,
          homeEntries,
          canary,
          devices,
          routes,
          pid1,
          fds,
          dev,
          top,
        } = found;
        const status = (found.status as string)
          .split('\n')
          .filter((line) => /^(Cap|NoNewPrivs|Seccomp:|Groups)/.test(line));
        const mounts = (found.mounts as string[]).length;
        const env = Object.keys(found.env).sort();
        return {
          wrote,
          sysctl,
          uid,
          cwd,
          homeEntries,
          canary,
          devices,
          routes,
          pid1,
          fds,
          dev,
          top,
          status,
          mounts,
          env,
        };
      };
      const seen = facts(inPool?.stdout ?? '{}');
      // As root, each run has ids of its own.
      const same = as.uid === 0 ? { uid: expect.any(Number) } : {};
      expect(seen).toEqual({ ...facts(fresh.out), ...same });
      expect(seen.canary).not.toContain('secret');
      // Control: without a sandbox, the secret is there. Never as root: the probe would really write
      // to the machine's settings.
      if (as.uid === 0) return;
      const outside = await runProgram(['python3', 'probe.py', mark], {
        as,
        cwd: makeProject(as, { 'probe.py': payloadText('probe.py') }),
      });
      expect(facts(outside.out).canary).toContain('secret');
    } finally {
      fs.rmSync(canary);
      for (const path of [as.home, '/tmp', '/var/tmp', '/dev/shm']) {
        fs.rmSync(join(path, mark), { force: true });
      }
    }
  });

  test('leaves nothing to the next, whatever it does', async () => {
    const marker = uniqueMarker();
    const hostile = [
      // Fills every place that it can write, and everything that it can reach of its interpreter.
      `import os, sys, builtins
for place in ('/tmp', '/var/tmp', '/dev/shm', os.path.expanduser('~'), '.'):
    open(place + '/${marker}', 'w').write('x')
builtins.print = None
sys.modules['os'] = None
os.write(1, b'done')`,
      // Daemons in sessions of their own, which hold all descriptors.
      `import os, time
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        os.execvp('sleep', ['sleep', '3600.${marker.length}', '${marker}'])
os.write(1, b'done')`,
      // The end of everything it may end.
      `import os, signal
for target in (-1, 1, os.getpid()):
    try: os.kill(target, signal.SIGKILL)
    except OSError: pass`,
      // This looks like the pool's own protocol.
      `import os
os.write(1, b'\\x06\\x0600000003abc')`,
    ];
    const look = `import os
places = ('/tmp', '/var/tmp', '/dev/shm', os.path.expanduser('~'), '.')
found = [p for p in places if os.path.exists(p + '/${marker}')]
others = [open('/proc/%s/cmdline' % n).read() for n in os.listdir('/proc') if n.isdigit()]
print(found, any('${marker}' in o.split('\\0') for o in others), os.read(0, 10))`;
    const cwd = makeProject(as);
    const results = await pooled(
      as,
      'python',
      hostile.flatMap((code) => [{ code }, { code: look, input: 'mine' }]),
      cwd,
    );
    expect(results[0]?.stdout).toBe('done');
    expect(results[6]?.stdout).toBe('\u0006\u000600000003abc');
    for (const index of [1, 3, 5, 7]) {
      expect(results[index]).toMatchObject({ stdout: "[] False b'mine'\n", exitCode: 0 });
    }
    expect(await eventually(() => processesWith(marker).length === 0)).toBe(true);
    expect(fs.readdirSync(cwd)).toEqual([]);
    expect([...mountsNaming(marker), ...mountsNaming(cwd)]).toEqual([]);
    // Control: what looks for traces finds them where there are some.
    const script = `${hostile[0]?.split('builtins.print')[0]}\n${look}`;
    const control: Ended = await runWasbox(
      ['run', '-q', '--discard', '--lang', 'python', '-c', script],
      { as, cwd, stdin: 'mine' },
    );
    expect(control.out).toMatch(/^\['\/tmp', '\/var\/tmp'/);
  });
});
