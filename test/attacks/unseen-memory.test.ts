/**
 * Attack 69 again: memory where the supervisor does not look. The payload has so many threads and descriptors that it takes
 * seconds to go through them; or the process that supervises the run has no descriptor left to look with. The oracle
 * is whether the payload lives with more memory than it may have. Controls: the same payload without a limit, and the
 * same process with descriptors left.
 */
import { describe, expect, test } from 'vitest';
import { identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runProgram, runWasbox, wasboxArgv } from '../support/wasbox.js';

const isolations = ['namespaces', 'landlock'] as const;

/** Takes three times its limit a second after its start, and says so when it has had that for a while. */
const grows = (seconds: number) => `import os, sys, threading, time
files = [open('/dev/null') for _ in range(int(sys.argv[1]))]
threading.stack_size(65536)
for _ in range(int(sys.argv[2])):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
print('ready', flush=True)
sys.stdin.readline()
taken = bytearray(300 << 20)
taken[::4096] = bytes([1]) * len(taken[::4096])
time.sleep(${seconds})
print('kept', flush=True)
os._exit(0)
`;

describe.each(identities())('memory that the supervisor does not see, as $label', (as) => {
  test.each(isolations)('many threads and descriptors hide no memory: %s', async (isolation) => {
    const cwd = makeProject(as, { 'grows.py': grows(15), 'control.py': grows(0) });
    const run = (script: string, ...limit: string[]) => {
      const options = ['-q', '--discard', '--isolation', isolation, ...limit];
      const argv = ['run', ...options, '--', '/usr/bin/python3', script, '230', '300'];
      return runWasbox(argv, { as, cwd, stdin: '\n' });
    };
    const held = await run('grows.py', '--memory', '100M');
    expect(held.out, held.err).toBe('ready\n');
    expect(held.status).toBe(137);
    const control = await run('control.py', '--memory', 'none');
    expect(control.out, control.err).toBe('ready\nkept\n');
  });

  test.each(isolations)('a supervisor without descriptors ends the run: %s', async (isolation) => {
    const options = ['-q', '--discard', '--isolation', isolation, '--memory', '100M'];
    const argv = ['run', ...options, '--', '/usr/bin/python3', 'grows.py', '0', '0'];
    // All numbers below 24 are taken, and poll(2) of some twenty descriptors is still allowed.
    const script = `for n in {10..40}; do eval "exec $n</dev/null"; done
      mkfifo fifo; exec 9<>fifo; >out
      "$@" <fifo >out & pid=$!
      until grep -q ready out; do sleep 0.1; done
      prlimit --pid $pid --nofile=$LIMIT:4096
      echo >&9
      wait $pid; status=$?; cat out; exit $status`;
    const run = (limit: string) =>
      runProgram(['bash', '-c', script, 'bash', ...wasboxArgv(as, argv)], {
        as,
        cwd: makeProject(as, { 'grows.py': grows(15) }),
        env: { LIMIT: limit },
      });
    const blind = await run('24');
    expect(blind.out, blind.err).toBe('ready\n');
    expect(blind.status).toBe(125);
    const control = await run('1000');
    expect(control.out, control.err).toBe('ready\n');
    expect(control.status).toBe(137);
  });
});
