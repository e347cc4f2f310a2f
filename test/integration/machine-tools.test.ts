/**
 * Programs that look at the machine or keep something in /run: screen, ss and perf. Needs: screen,
 * iproute2, linux-perf. The oracle is what they do outside.
 */
import { describe, expect, test } from 'vitest';
import type { RunReport } from '../../src/index.js';
import { identities, ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runProgram, runWasbox } from '../support/wasbox.js';
import { weakenedArgv } from '../support/weaken.js';

const server = `python3 -c 'import socket, time
s = socket.socket(); s.bind(("127.0.0.1", 48123)); s.listen(); print(flush=True); time.sleep(60)' > up &
until [ -s up ]; do sleep 0.05; done; ss -Htln 2> /dev/null; kill $!`;

const busy = 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done';
const record = `perf record -o data sh -c '${busy}' > /dev/null 2>&1; perf report -i data --stdio 2> /dev/null | grep -o 'Samples: [0-9]'`;

test('screen starts a session, lists it, and ends it', async () => {
  const as = ordinaryUser();
  const script = `screen -dmS name sh -c 'echo begun > begun; sleep 60'
    until [ -s begun ]; do sleep 0.05; done
    screen -ls | grep -c name; screen -S name -X quit; sleep 0.3; screen -ls | grep -c name; true`;
  const run = await runWasbox(['run', '--discard', '-c', script], { as, cwd: makeProject(as) });
  expect(run.out).toBe('1\n0\n');
  expect(run.err).not.toContain('refused');
});

describe.each(identities())('as $label', (as) => {
  test('ss needs a socket, which the report names, and shows the sandbox’s own then', async () => {
    const cwd = makeProject(as);
    const closed = await runWasbox(['run', '--discard', '--json', '-c', server], { as, cwd });
    // It reads /proc/net instead, where the length of the queue is missing.
    expect(closed.out).toMatch(/^LISTEN 0 +0 +127\.0\.0\.1:48123/);
    const { refusals } = JSON.parse(closed.err) as RunReport;
    const [, rule = ''] = /^--allow '(.*)'$/.exec(refusals?.calls[0]?.option ?? '') ?? [];
    expect(rule).toContain('NETLINK_SOCK_DIAG');
    const args = ['run', '-q', '--discard', '--allow', rule, '-c', server];
    expect((await runWasbox(args, { as, cwd })).out).toMatch(/^LISTEN 0 +128 +127\.0\.0\.1:48123/);
  });

  test('perf counts and samples where the call is allowed', async () => {
    const cwd = makeProject(as);
    const outside = await runProgram(['sh', '-c', record], { as, cwd });
    const args = ['run', '-q', '--discard', '--allow', 'perf_event_open', '-c', record];
    const inside = await runWasbox(args, { as, cwd });
    expect(inside.out.slice(0, 9)).toBe(outside.out.slice(0, 9));
    // Control: without what belongs to the call it finds no kind of event, even without the filter.
    const weak = await runProgram(weakenedArgv(as, ['seccomp'], ['-c', record]), { as, cwd });
    expect(weak.out).toBe('');
    const refused = await runWasbox(['run', '--discard', '--json', '-c', record], { as, cwd });
    const { refusals } = JSON.parse(refused.err) as RunReport;
    expect(refusals?.calls.map(({ option }) => option)).toContain('--allow perf_event_open');
  });
});
