/** Attacks 1–3: input pushed into the caller's terminal. The oracle is the terminal's own queue. */
import { describe, expect, test } from 'vitest';
import { isolatedIdentities } from '../support/identity.js';
import { compilePayload, parseAttempts } from '../support/payload.js';
import { makeProject } from '../support/project.js';
import { onTerminal } from '../support/terminal.js';
import { wasboxArgv } from '../support/wasbox.js';

const EPERM = 1;
const EIO = 5;
const ENOTTY = 25;
const attempts = ['tiocsti', 'tiocsti_high', 'tioclinux', 'tioclinux_high'];

describe.each(isolatedIdentities())('a terminal of $label, with $isolation', (as) => {
  test('receives no byte from inside', async () => {
    const cwd = makeProject(as);
    compilePayload(as, 'attempt', cwd);
    const command = ['./attempt', ...attempts];
    const outside = await onTerminal(command, { as, cwd });
    const inside = await onTerminal(wasboxArgv(as, ['run', '-q', '--discard', '--', ...command]), {
      as,
      cwd,
    });

    expect(inside.injected).toBe('');
    const seen = parseAttempts(inside.output);
    expect(seen.size).toBe(attempts.length);
    for (const name of attempts) {
      // A relayed terminal is another one; then the kernel's answer is as good as the filter's.
      expect([`errno ${EPERM}`, `errno ${EIO}`, `errno ${ENOTTY}`]).toContain(
        `${seen.get(name)?.kind} ${seen.get(name)?.value}`,
      );
    }

    // Control: it works outside, unless the kernel has switched TIOCSTI off for everybody.
    if (outside.output.includes(`tiocsti errno ${EIO}`))
      expect(seen.get('tiocsti')?.value).toBe(EPERM);
    else expect(outside.injected).toBe('XX');
  });

  test('can be typed into from inside with one of bubblewrap without a session of its own (control)', async () => {
    const cwd = makeProject(as);
    compilePayload(as, 'attempt', cwd);
    const command = ['bwrap', '--dev-bind', '/', '/', '--unshare-all', './attempt', 'tiocsti'];
    const run = await onTerminal(command, { as, cwd });
    // The terminal echoes what is pushed into it before the attempt's own line.
    if (run.output.includes('tiocsti ok')) expect(run.injected).toBe('X');
    else expect(run.output).toContain(`tiocsti errno ${EIO}`);
  });

  test('keeps its settings when the payload changes them and is killed', async () => {
    const cwd = makeProject(as);
    const script = 'stty raw -echo 2>/dev/null; kill -9 $$';
    const inside = await onTerminal(
      wasboxArgv(as, ['run', '-q', '--discard', '--', 'sh', '-c', script]),
      { as, cwd },
    );
    const outside = await onTerminal(['sh', '-c', script], { as, cwd });
    expect(outside.after).not.toEqual(outside.before);
    expect(inside.exit).toBe(128 + 9);
    expect(inside.after).toEqual(inside.before);
  });
});
