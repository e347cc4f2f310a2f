/** Sessions of the command line: no program of one reaches another, or what holds it. Needs: python3. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { sessionPlace } from '../support/cli-session.js';
import { uniqueMarker } from '../support/host.js';
import { identities } from '../support/identity.js';
import { runProgram } from '../support/wasbox.js';

/** Says whether the socket at a path takes connections. */
const connects = `import socket, sys
s = socket.socket(socket.AF_UNIX)
try:
    s.connect(sys.argv[1])
    print('connected')
except OSError as error:
    print('refused')`;

it.each(identities())('as $label: its socket, processes and files', async (as) => {
  const { run, cwd, state } = sessionPlace(as);
  await run(['session', 'start', '-q', '--name', 'a']);
  await run(['session', 'start', '-q', '--name', 'b']);
  const socket = join(state, 'wasbox/sessions/b/socket');
  const python = ['python3', '-c', connects, socket];
  expect((await run(['exec', 'a', '--', ...python])).out).toBe('refused\n');
  expect((await run(['exec', 'b', '--', ...python])).out).toBe('refused\n');
  // Outside, the same program of the same user reaches it.
  expect((await runProgram(python, { as, cwd })).out).toBe('connected\n');

  const marker = uniqueMarker();
  const left = `echo of-b > secret; (sleep 1000; : ${marker}) >/dev/null 2>&1 &`;
  await run(['exec', 'b', '--', 'sh', '-c', left]);
  const look = 'cat secret; cat /proc/[0-9]*/cmdline | tr "\\0" " "';
  const seen = async (name: string) => (await run(['exec', name, '--', 'sh', '-c', look])).out;
  const ofB = await seen('b');
  expect([ofB.includes('of-b'), ofB.includes(marker)]).toEqual([true, true]);
  const ofA = await seen('a');
  expect([ofA.includes('of-b'), ofA.includes(marker)]).toEqual([false, false]);
});
