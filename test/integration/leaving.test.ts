/** How the command's process ends: at once, but with everything as Node would leave it. */
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runProgram, wasboxArgv } from '../support/wasbox.js';

/** Starts the words behind it with a pipe as stdout; tells whether that was non-blocking, meanwhile and after. */
const holder = `import fcntl, os, subprocess, sys
out, into = os.pipe()
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=into)
def nonblocking(): return bool(fcntl.fcntl(into, fcntl.F_GETFL) & os.O_NONBLOCK)
before = nonblocking()
os.read(out, 1)
meanwhile = nonblocking()
child.communicate(b'end')
print(before, meanwhile, nonblocking(), child.returncode)
`;

/** Makes its stdout non-blocking, and leaves it so. */
const setter = `import fcntl, os, sys
fcntl.fcntl(1, fcntl.F_SETFL, fcntl.fcntl(1, fcntl.F_GETFL) | os.O_NONBLOCK)
os.write(1, b'x')
sys.stdin.read()
os._exit(3)
`;

describe.each(identities())('the end of the command, as $label', (as) => {
  const project = () => makeProject(as, { 'hold.py': holder, 'set.py': setter });

  test('gives a pipe back blocking, as it was, whatever the program made of it', async () => {
    const argv = wasboxArgv(as, ['run', '-q', '--discard', 'set.py']);
    const run = await runProgram(['python3', 'hold.py', ...argv], { as, cwd: project() });
    // The control meanwhile: it is the very pipe.
    expect(run.out, run.err).toBe('False True False 3\n');
  });

  test('is not at once where Node has a profile to write', async () => {
    const cwd = project();
    const profiles = makeProject(as, {});
    const node = [process.execPath, '--cpu-prof', `--cpu-prof-dir=${profiles}`, as.cli];
    const run = await runProgram([...node, 'run', '-q', '--discard', 'true'], { as, cwd });
    expect(run.status, run.err).toBe(0);
    expect(readdirSync(profiles).length).toBe(1);
  });
});
