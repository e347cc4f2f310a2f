/** How a run ends: Ctrl-C, SIGTERM, SIGKILL of wasbox itself; and that nothing of it is left. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  descendantsOf,
  eventually,
  isAlive,
  listTree,
  mountsNaming,
  processesWith,
  uniqueMarker,
} from '../support/host.js';
import { type Identity, identities } from '../support/identity.js';
import { makeProject, writeFiles } from '../support/project.js';
import { onTerminal } from '../support/terminal.js';
import { runWasbox, startProgram, startWasbox, wasboxArgv } from '../support/wasbox.js';

/** A payload with a child and a grandchild in sessions of their own, all marked. */
const family = `import os, sys, time
r, w = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.setsid()
        os.write(w, b'x')
    time.sleep(300); os._exit(0)
os.read(r, 1)
open('written.txt', 'w').write('x')
print('ready', flush=True)
# Not one long sleep: a signal just before it begins would be looked at when it is over.
for _ in range(3000): time.sleep(0.1)
`;

/** Layers of runs, kept or left behind, in a state directory. */
const layersIn = (state: string): string[] =>
  fs.existsSync(state)
    ? listTree(state)
        .map((one) => one.path)
        .filter((path) => path.endsWith('/upper'))
    : [];

async function startFamily(as: Identity, marker: string, sandboxed: boolean, ...extra: string[]) {
  const cwd = makeProject(as, { 'data.txt': 'data' });
  const argv = ['python3', '-c', family, marker];
  const state = `${cwd}.state`;
  writeFiles(as, `${cwd}.tmp`, { 'x/': '' });
  fs.rmdirSync(`${cwd}.tmp/x`);
  const options = { as, cwd, env: { XDG_STATE_HOME: state, TMPDIR: `${cwd}.tmp` } };
  const child = sandboxed
    ? startWasbox(['run', '-q', ...extra, '--', ...argv], options)
    : startProgram(argv, options);
  const end = new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    // The end of its streams is not waited for, which daemons hold open.
    child.once('exit', (status, signal) => resolve([status, signal]));
  });
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  if (!(await eventually(() => text.includes('ready')))) throw new Error(`not ready: ${text}`);
  return { child, end, cwd, state };
}

describe.each(identities())('a run as $label', (as) => {
  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'ends on %s with all it started',
    async (name) => {
      const marker = uniqueMarker();
      const { child, end } = await startFamily(as, marker, true);
      const all = descendantsOf(child.pid ?? 0);
      expect(all.length).toBeGreaterThanOrEqual(4);
      child.kill(name);
      const [status, signal] = await end;
      expect(status === 0).toBe(false);
      expect(status ?? signal).not.toBe(null);
      expect(await eventually(() => all.every((pid) => !isAlive(pid)))).toBe(true);
      expect(processesWith(marker)).toEqual([]);
    },
  );

  test('leaves no process, mount or file when wasbox is killed with SIGKILL', async () => {
    const marker = uniqueMarker();
    const { child, end, cwd, state } = await startFamily(as, marker, true);
    expect(processesWith(marker).length).toBeGreaterThanOrEqual(3);
    const all = descendantsOf(child.pid ?? 0);
    child.kill('SIGKILL');
    await end;
    // The last one is init, in whose namespace the mounts are.
    expect(await eventually(() => all.every((pid) => !isAlive(pid)))).toBe(true);
    expect(processesWith(marker)).toEqual([]);
    expect(mountsNaming(cwd)).toEqual([]);
    expect(mountsNaming(state)).toEqual([]);
    expect(fs.readdirSync(`${cwd}.tmp`)).toEqual([]);
    expect(listTree(cwd).map((one) => one.path)).toEqual(['data.txt']);

    // A file that the payload had written is listed, and can be discarded.
    const options = { as, cwd, env: { XDG_STATE_HOME: state } };
    expect((await runWasbox(['runs'], options)).out).toMatch(/interrupted/);
    expect((await runWasbox(['discard', '--all'], options)).status).toBe(0);
    expect(layersIn(state)).toEqual([]);

    // Control: without a sandbox, a killed parent leaves its daemons.
    const free = await startFamily(as, marker, false);
    free.child.kill('SIGKILL');
    await free.end;
    expect(processesWith(marker).length).toBe(2);
    for (const pid of processesWith(marker)) process.kill(pid, 'SIGKILL');
  });

  test('leaves no layer to be discarded after SIGKILL, at the latest after the next', async () => {
    const marker = uniqueMarker();
    const { child, end, cwd, state } = await startFamily(as, marker, true, '--discard');
    expect(layersIn(state).length).toBeGreaterThan(0);
    const all = descendantsOf(child.pid ?? 0);
    child.kill('SIGKILL');
    await end;
    expect(await eventually(() => all.every((pid) => !isAlive(pid)))).toBe(true);
    const options = { as, cwd, env: { XDG_STATE_HOME: state } };
    await runWasbox(['run', '-q', '--discard', '--', 'true'], options);
    await eventually(() => layersIn(state).length === 0);
    expect(layersIn(state)).toEqual([]);
  });

  test('ends on Ctrl-C typed at its terminal', async () => {
    const marker = uniqueMarker();
    const cwd = makeProject(as);
    const command = wasboxArgv(as, [
      'run',
      '-q',
      '--discard',
      '--',
      'python3',
      '-c',
      family,
      marker,
    ]);
    const run = await onTerminal(command, { as, cwd }, [{ after: 'ready', type: '\\x03' }]);
    expect(run.timedOut).toBe(false);
    expect([128 + 2, -2, 1]).toContain(run.exit);
    expect(run.after).toEqual(run.before);
    expect(await eventually(() => processesWith(marker).length === 0)).toBe(true);
  });

  test('lets the payload handle Ctrl-C itself', async () => {
    const cwd = makeProject(as, {
      'handler.py': `import os, signal, sys, time
def handler(*_):
    os.write(1, b'handled\\n'); sys.exit(7)
signal.signal(signal.SIGINT, handler)
os.write(1, b'ready\\n')
# A signal just before one long sleep would wait for its end.
for _ in range(600): time.sleep(0.05)
`,
    });
    const typed = [{ after: 'ready', type: '\\x03' }];
    const args = ['run', '-q', '--discard', 'handler.py'];
    const inside = await onTerminal(wasboxArgv(as, args), { as, cwd }, typed);
    const outside = await onTerminal(['python3', 'handler.py'], { as, cwd }, typed);
    expect(outside.exit).toBe(7);
    expect(inside.exit).toBe(7);
    expect(inside.output).toContain('handled');
  });

  test('passes what is typed, and the size of the terminal', async () => {
    const cwd = makeProject(as);
    const script =
      'test -t 0 && test -t 1 && echo terminal; echo ready; read line; echo "got $line"';
    const typed = [{ after: 'ready', type: 'hello\\n' }];
    const command = ['run', '-q', '--discard', '--', 'sh', '-c', script];
    const inside = await onTerminal(wasboxArgv(as, command), { as, cwd }, typed);
    expect(inside.output).toContain('terminal');
    expect(inside.output).toContain('got hello');
    expect(inside.exit).toBe(0);
  });

  test('leaves no process and no layer after a thousandth of a second', async () => {
    const cwd = makeProject(as);
    const state = join(makeProject(as), 'state');
    const options = { as, cwd, env: { XDG_STATE_HOME: state } };
    const marker = uniqueMarker();
    for (let delay = 0; delay < 160; delay += 8) {
      const child = startWasbox(['run', '-q', '--discard', '--', 'sleep', '77', marker], options);
      const end = new Promise((resolve) => child.once('close', resolve));
      await new Promise((resolve) => setTimeout(resolve, delay));
      child.kill('SIGKILL');
      await end;
    }
    expect(await eventually(() => processesWith(marker).length === 0)).toBe(true);
    expect(mountsNaming(state)).toEqual([]);
  });
});
