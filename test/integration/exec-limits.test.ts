/** Limits of one command of a session, at the command line and over MCP. Needs: user namespaces, overlayfs in them, python3. */
import { describe, expect, it } from 'vitest';
import { sessionPlace } from '../support/cli-session.js';
import { identities } from '../support/identity.js';
import { startMcp } from '../support/mcp.js';
import { onTerminal } from '../support/terminal.js';
import { wasboxArgv } from '../support/wasbox.js';

/** Fills 200 MiB within a second, so that its limit is seen before it says that it has. */
const fill = [
  'python3',
  '-c',
  'import time\nx = bytearray(200 << 20)\nfor i in range(0, len(x), 4096):\n  x[i] = 1\n  if i % (16 << 20) == 0: time.sleep(0.08)\nprint("full", flush=True)\ntime.sleep(2)',
];

describe.each(identities())('as $label', (as) => {
  it('wasbox exec ends a command at its own limit, and the session goes on', async () => {
    const { run } = sessionPlace(as);
    await run(['session', 'start', '-q', '--name', 'dev']);
    const held = await run(['exec', '--memory', '64M', 'dev', '--', ...fill]);
    expect([held.status, held.err]).toEqual([
      137,
      'wasbox: the command was ended by its limit --memory\n',
    ]);
    const busy = ['python3', '-c', 'while True: pass'];
    const late = await run(['exec', '--cpu', '300ms', 'dev', '--', ...busy]);
    expect([late.status, late.err]).toEqual([
      124,
      'wasbox: the command was ended by its limit --cpu\n',
    ]);
    // The control lives without a limit, in the same session.
    expect(await run(['exec', 'dev', '--', ...fill])).toMatchObject({
      status: 0,
      out: 'full\n',
      err: '',
    });
    const files = ['exec', '--open-files', '20', 'dev', '--', 'sh', '-c', 'ulimit -n'];
    expect((await run(files)).out).toBe('20\n');
    await run(['stop', 'dev']);
  });

  it('a limit above the session’s, or an option behind its name, is refused before anything starts', async () => {
    const { run } = sessionPlace(as);
    await run(['session', 'start', '-q', '--memory', '512M', '--name', 'dev']);
    const more = await run(['exec', '--memory', '1G', 'dev', '--', 'echo', 'ran']);
    expect([more.status, more.out]).toEqual([125, '']);
    expect(more.err).toContain("--memory is above the session's limit (512M)");
    const behind = await run(['exec', 'dev', '--memory', '64M', '--', 'echo', 'ran']);
    expect([behind.status, behind.out]).toEqual([125, '']);
    expect(behind.err).toContain("--memory goes before the session's name");
    // A word after -- is a command.
    expect((await run(['exec', 'dev', '--', '--memory'])).err).toContain('--memory: not found');
    await run(['stop', 'dev']);
  });

  it('holds at a terminal, too', async () => {
    const { run, cwd, state } = sessionPlace(as);
    await run(['session', 'start', '-q', '--name', 'dev']);
    const words = ['exec', '--memory', '64M', 'dev', '--', ...fill];
    const env = { XDG_STATE_HOME: state };
    const { output } = await onTerminal(wasboxArgv(as, words), { as, cwd, env });
    expect(output).toContain('ended by its limit --memory');
    expect(output).not.toContain('full');
    await run(['stop', 'dev']);
  });

  it('over MCP a limit is a result', async () => {
    const { call, leave } = await startMcp(as, []);
    const held = await call('run_command', { argv: fill, memory_bytes: 64 << 20 });
    expect(held.value).toMatchObject({ outcome: 'limit', limit: 'memory', stdout: '' });
    const free = await call('run_command', { argv: fill });
    expect(free.value).toMatchObject({ outcome: 'exited', stdout: 'full\n' });
    const code = { language: 'python', code: 'while True: pass', cpu_ms: 300 };
    expect((await call('run_code', code)).value).toMatchObject({ outcome: 'limit', limit: 'cpu' });
    await leave();
  });
});
