/** Attacks 12 and 28: of /proc nothing can be written to but files of the code's own processes. */
import * as fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { identities, ordinaryUser } from '../support/identity.js';
import { childrenOf, findSandbox } from '../support/inspect.js';
import { makeProject } from '../support/project.js';
import { runProgram, runWasbox, startProgram, wasboxArgv } from '../support/wasbox.js';

/**
 * Opens all below some places for writing, and names what it could open; of init, what it could write to:
 * some of its files anybody may open, and only their process may write to.
 */
const walk = `import os, sys
def look(top):
    for at, names, files in os.walk(top):
        if at == '/proc': names[:] = [n for n in names if not n.isdigit()]
        for name in files:
            path = at + '/' + name
            if os.path.islink(path): continue
            for flags in (os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC):
                try:
                    fd = os.open(path, flags | os.O_NONBLOCK)
                    try:
                        if top != '/proc/1' or os.write(fd, b'0'): print(path)
                    finally: os.close(fd)
                except OSError: pass
        for make in (lambda p: os.mkdir(p), lambda p: os.close(os.open(p, os.O_CREAT))):
            try: make(at + '/made'); print('made in', at)
            except OSError: pass
for top in sys.argv[1:]: look(top)
`;

/** A second thread, and what of a process may be set; then it waits. */
const settings = `import os, threading, time
waits = threading.Event()
t = threading.Thread(target=waits.wait, daemon=True); t.start()
def put(path, text):
    try:
        with open('/proc/self/' + path, 'w') as f: f.write(text)
    except OSError as e: print(path.split('/')[-1], e.errno)
put(f'task/{t.native_id}/comm', 'renamed')
put('coredump_filter', '0x31')
put('timerslack_ns', '123456')
put('oom_score_adj', '1000')
put('oom_score_adj', '777')
put('oom_score_adj', '-1000')
print(open('/proc/self/timerslack_ns').read().strip())
hog = bytearray(64 << 20)
print('ready', flush=True)
time.sleep(60)
`;

const read = (path: string) => fs.readFileSync(path, 'utf8').trim();

async function started(argv: readonly string[], as: ReturnType<typeof ordinaryUser>, cwd: string) {
  const child = startProgram(argv, { as, cwd });
  let out = '';
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (chunk) => {
      out += chunk;
      if (out.includes('ready')) resolve();
    });
    child.once('close', () => reject(new Error(`ended early: ${out}`)));
  });
  return { child, out };
}

/** Returns what the host says of a process that has set something. */
const seen = (pid: number) => ({
  threads: fs.readdirSync(`/proc/${pid}/task`).map((tid) => read(`/proc/${pid}/task/${tid}/comm`)),
  coredump: Number.parseInt(read(`/proc/${pid}/coredump_filter`), 16),
  oom: read(`/proc/${pid}/oom_score_adj`),
});

describe.each(identities())('/proc, as $label', (as) => {
  test.each([[[]], [['--root']], [['--net', 'host']]])(
    'nothing but processes: %j',
    async (options) => {
      const cwd = makeProject(as, { 'walk.py': walk });
      const args = ['run', '-q', '--discard', ...options, '--', 'python3', 'walk.py'];
      const run = await runWasbox([...args, '/proc', '/proc/1', '/proc/sys'], { as, cwd });
      expect([run.status, run.out]).toEqual([0, '']);
      // Control: it opens what may be opened.
      const own = await runWasbox([...args, '/proc/self'], { as, cwd });
      expect(own.out).toContain('/proc/self/comm\n');
      if (as.uid === 0 || !fs.existsSync('/proc/pressure/cpu')) return;
      const outside = await runProgram(['python3', 'walk.py', '/proc'], { as, cwd });
      expect(outside.out).toContain('/proc/pressure/cpu\n');
    },
  );

  test('lets a process set of its own what it may set outside', async () => {
    const cwd = makeProject(as, { 'settings.py': settings });
    const words = ['python3', 'settings.py'];
    const user = as.uid === 0 ? ordinaryUser() : as;
    const outside = await started(words, user, makeProject(user, { 'settings.py': settings }));
    const inside = await started(
      wasboxArgv(as, ['run', '-q', '--discard', '--', ...words]),
      as,
      cwd,
    );
    try {
      const sandbox = await findSandbox(inside.child.pid ?? 0, 'python3');
      expect(inside.out).toBe(outside.out);
      const control = seen(outside.child.pid ?? 0);
      expect(control).toEqual({ threads: ['python3', 'renamed'], coredump: 0x31, oom: '777' });
      expect(seen(sandbox.payload)).toEqual(control);
      // Whatever the code has set, the kernel takes init first, and with it the whole sandbox.
      const score = (pid: number) => Number(read(`/proc/${pid}/oom_score`));
      const init = sandbox.init;
      expect(read(`/proc/${init}/oom_score_adj`)).toBe('1000');
      expect(score(init)).toBeGreaterThan(score(sandbox.payload));
      expect(childrenOf(init)).toContain(sandbox.payload);
    } finally {
      inside.child.kill('SIGKILL');
      outside.child.kill('SIGKILL');
    }
  });
});
