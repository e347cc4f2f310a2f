/**
 * A terminal that was asked a lot and answers slowly, each answer in time: none is left to be typed
 * into the shell. The terminal is the test's own; what is left is what the next program reads.
 */
import { expect, test } from 'vitest';
import { ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runProgram, wasboxArgv } from '../support/wasbox.js';

const terminal = String.raw`
import os, pty, re, select, sys, time
pid, fd = pty.fork()
if pid == 0: os.execv('/bin/sh', ['sh', '-c', '"$@"; stty raw -echo min 0 time 20; echo left=$(dd bs=100 count=1 2>/dev/null | wc -c)', 'sh', *sys.argv[1:]])
seen, asked, next = b'', 0, 0
while True:
    if select.select([fd], [], [], 0.05)[0]:
        try: part = os.read(fd, 4096)
        except OSError: break
        if not part: break
        seen += part
    questions = re.findall(rb'\x1b\[([56])n', seen)
    if len(questions) > asked and time.monotonic() >= next:
        os.write(fd, b'\x1b[0n' if questions[asked] == b'5' else b'\x1b[1;1R')
        asked, next = asked + 1, time.monotonic() + 0.7
print(re.search(rb'left=\d+', seen)[0].decode())
`;

test('answers that come one after the other are waited for', async () => {
  const as = ordinaryUser();
  const asks = ['sh', '-c', String.raw`printf '\033[6n\033[6n\033[6n\033[6n'`];
  const start = async (argv: readonly string[]) => {
    const words = ['/usr/bin/python3', '-c', terminal, ...argv];
    const run = await runProgram(words, { as, cwd: makeProject(as) });
    return run.out + run.err;
  };
  const [inside, outside] = await Promise.all([
    start([...wasboxArgv(as, ['run', '-q', '--discard', '--']), ...asks]),
    start(asks), // the control
  ]);
  expect(inside).toBe('left=0\n');
  expect(outside).toMatch(/^left=[1-9]/);
});
