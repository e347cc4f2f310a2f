/**
 * The process that would restore a killed run's terminal, after a usual end: where PID 1 does not reap
 * orphans, as in many containers, it must not stay as a zombie. The test's Python adopts the orphans of
 * its children, as that PID 1 does, and waits only for its own children.
 */
import { expect, test } from 'vitest';
import { fastpathOf, makeFastpath } from '../support/fastpath.js';
import { ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runProgram } from '../support/wasbox.js';

const adopts = `
import ctypes, os, pty, signal, sys, time
argv = sys.argv[1:]
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) # PR_SET_CHILD_SUBREAPER
def fields(pid):
    try:
        with open(f'/proc/{pid}/stat') as file: text = file.read()
    except OSError: return ('', '', 0)
    state, parent = text.rsplit(')', 1)[1].split()[:2]
    return (text.split('(', 1)[1].rsplit(')', 1)[0], state, int(parent))
def children(parent):
    found = [fields(pid) for pid in os.listdir('/proc') if pid.isdigit()]
    return [(name, state) for name, state, of in found if of == parent]
def run(command, kill=False):
    pid, fd = pty.fork()
    if pid == 0: os.execv(argv[0], [*argv, *command])
    while kill and not any(name == 'wasbox-keeper' for name, _ in children(pid)): time.sleep(0.01)
    if kill: os.kill(pid, signal.SIGKILL)
    try:
        while os.read(fd, 4096): pass
    except OSError: pass
    os.waitpid(pid, 0)
    os.close(fd)
def zombies():
    mine = lambda: [state for name, state in children(os.getpid()) if name == 'wasbox-keeper']
    while any(state != 'Z' for state in mine()): time.sleep(0.01)
    return len(mine())
run(['true']) # through Node
before = zombies()
for _ in range(10): run(['true'])
print(zombies() - before)
before = zombies()
run(['sleep', '1000'], kill=True) # the control: no process can wait for this one
print(zombies() - before)
`;

test('the keeper is waited for, unless wasbox was killed', async () => {
  const as = ordinaryUser();
  const fastpath = makeFastpath(as);
  const cwd = makeProject(as);
  const argv = [fastpathOf(as), 'run', '-q', '--discard', '--'];
  const run = await runProgram(['/usr/bin/python3', '-c', adopts, ...argv], {
    as,
    cwd,
    env: { ...fastpath.env, PWD: cwd },
  });
  expect([run.out, run.err]).toEqual(['0\n1\n', '']);
});
