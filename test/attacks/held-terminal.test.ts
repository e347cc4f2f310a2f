/**
 * Attack 69 on a terminal: the payload holds the lock behind which the kernel keeps the modes of its terminal, for
 * many seconds, while the user types. The supervisor looks at these modes for each key.
 */
import { describe, expect, test } from 'vitest';
import { isolatedIdentities } from '../support/identity.js';
import { compilePayload } from '../support/payload.js';
import { makeProject } from '../support/project.js';
import { onTerminal } from '../support/terminal.js';
import { wasboxArgv } from '../support/wasbox.js';

describe.each(isolatedIdentities())(
  'a terminal that the payload of $label holds, with $isolation',
  (as) => {
    const start = async (limit: string) => {
      const cwd = makeProject(as);
      compilePayload(as, 'held_terminal', cwd);
      const argv = ['run', '-q', '--discard', '--timeout', limit, '--', './held_terminal'];
      return onTerminal(wasboxArgv(as, argv), { as, cwd }, [
        { after: 'ready', type: 'x'.repeat(1500) },
        ...Array.from({ length: 30 }, () => ({ after: 'held', type: 'k' })), // 0.1 s apart
      ]);
    };

    test('holds up no time limit', async () => {
      const { output, exit, timedOut } = await start('5s');
      expect({ exit, timedOut }, output).toEqual({ exit: 124, timedOut: false });
      expect(output).toContain('held');
      expect(output).not.toContain('released');
    });
  },
);
