/**
 * Attack 60: old calls and new ones around Landlock, set-id programs, floods. What they are made on is the host's:
 * outside, as a control, it changes; inside it does not. The calls themselves: calls.test.ts.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { descendantsOf, eventually, uniqueMarker } from '../support/host.js';
import { type Identity, identities, ordinaryUser } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { compilePayload } from '../support/payload.js';
import { makeProject } from '../support/project.js';
import { runProgram, runWasbox, startProgram, wasboxArgv } from '../support/wasbox.js';

const options = ['run', '-q', '--discard', '--isolation', 'landlock'];

/** A file with an attribute, and how it is to be seen on the host. */
function makeVictim(as: Identity) {
  const secret = uniqueMarker();
  const path = join(makeProject(as, { victim: secret }), 'victim');
  const set = "import os, sys; os.setxattr(sys.argv[1], 'user.old', b'x')";
  execFileSync('/usr/bin/python3', ['-c', set, path]);
  const look = () => {
    const { mode, size, mtimeMs } = fs.statSync(path);
    const list = 'import os, sys; print(os.listxattr(sys.argv[1]))';
    const attributes = execFileSync('/usr/bin/python3', ['-c', list, path], { encoding: 'utf8' });
    const flags = spawnSync('lsattr', ['-l', path], { encoding: 'utf8' }).stdout;
    return { mode, size, mtimeMs, attributes, flags };
  };
  return { path, secret, look };
}

describe.each(identities())('with Landlock isolation, as $label', (as) => {
  test('neither old calls nor new ones reach a file of the host', async () => {
    const cwd = makeProject(as);
    compilePayload(as, 'landlock_calls', cwd);
    const [outside, inside] = [makeVictim(as), makeVictim(as)];
    const control = await runProgram(['./landlock_calls', outside.path], { as, cwd });
    const open = ['fchmodat2', 'setxattrat', 'removexattrat', `openat2 ${outside.secret}`];
    const old = process.arch === 'x64' ? ['old-chmod', 'old-truncate', 'old-utime'] : [];
    expect(control.out.split('\n')).toEqual(expect.arrayContaining([...open, ...old]));
    if (as.uid === 0) expect(control.out).toContain(`handle ${outside.secret}`);
    const before = inside.look();
    expect(outside.look()).not.toEqual({ ...before, mtimeMs: outside.look().mtimeMs });
    const run = await runWasbox([...options, '--', './landlock_calls', inside.path], { as, cwd });
    expect([run.status, run.out]).toEqual([0, '']);
    expect(inside.look()).toEqual(before);
  });

  test('no descriptor of the caller is inherited', async () => {
    const { path, secret } = makeVictim(as);
    const cwd = makeProject(as);
    const show = ['sh', '-c', 'cat <&9; cat /proc/self/fd/9; ls /proc/self/fd'];
    const through = (argv: readonly string[]) =>
      runProgram(['sh', '-c', 'exec 9<"$0"; exec "$@"', path, ...argv], { as, cwd });
    expect((await through(show)).out).toContain(secret);
    const run = await through(wasboxArgv(as, [...options, '--', ...show]));
    expect(run.out).toBe('0\n1\n2\n3\n');
  });

  test('settings of the kernel and the programs that run stay as they are', async () => {
    const settings = [
      ...[
        '/proc/sys/kernel/core_pattern',
        '/proc/sys/kernel/modprobe',
        '/sys/kernel/uevent_helper',
      ],
      ...['/proc/sys/vm/swappiness', '/usr/bin/python3', '/proc/1/exe', '/usr/bin/true'],
    ];
    const there = settings.filter((path) => fs.existsSync(path));
    const look = () => there.map((path) => fs.readFileSync(path).toString('base64'));
    const attempt = `import os, sys
for path in sys.argv[2:]:
    try:
        one = os.open(path, os.O_WRONLY)
        print(path)
        if sys.argv[1] == 'write': os.write(one, b'wasbox')
    except OSError: pass`;
    const argv = (what: string) => ['/usr/bin/python3', '-c', attempt, what, ...there];
    if (as.uid === 0) {
      const control = await runProgram(argv('open'), { as, cwd: makeProject(as) });
      expect(control.out).toContain('core_pattern');
    }
    const before = look();
    const args = [...options, '--', ...argv('write')];
    expect((await runWasbox(args, { as, cwd: makeProject(as) })).out).toBe('');
    expect(look()).toEqual(before);
  });

  /** Sends signals to each process that standard input names, and to all that there are. */
  const kill = [
    ...['/usr/bin/python3', '-c'],
    `import os, sys
print('ready', flush=True)
for line in sys.stdin:
    for number in (19, 15, 64, 9):
        try: os.kill(int(line), number); print('sent')
        except OSError: pass
if os.fork() == 0:
    os.setsid()
    os.kill(-1, 9)
    os._exit(0)
os.wait()
os._exit(7)`,
  ];

  test('a program cannot signal what keeps it', async () => {
    const cwd = makeProject(as);
    const sleeper = startProgram(['/bin/sleep', '1000'], { as });
    const control = await runProgram(
      [...kill.slice(0, 2), (kill[2] ?? '').split('if os.fork')[0] ?? ''],
      { as, cwd, stdin: `${sleeper.pid}\n` },
    );
    expect(control.out).toContain('sent');
    const child = startProgram(wasboxArgv(as, [...options, '--', ...kill]), { as, cwd });
    let out = '';
    child.stdout?.on('data', (chunk) => {
      out += chunk;
    });
    expect(await eventually(() => out === 'ready\n')).toBe(true);
    const { pid = 0 } = child;
    const names = ['wasbox-init', 'init-warden'];
    const keepers = descendantsOf(pid).filter((one) =>
      names.includes(fs.readFileSync(`/proc/${one}/comm`, 'utf8').trim()),
    );
    expect(keepers).toHaveLength(2);
    child.stdin?.end([pid, ...keepers, process.pid].map((one) => `${one}\n`).join(''));
    const status = await new Promise((resolve) => child.once('close', resolve));
    // The program's own child killed it, too: it is in the same domain.
    expect([out, status]).toEqual(['ready\n', 137]);
  });

  test('floods of questions do not keep a run from its end', async () => {
    const { path, look } = makeVictim(as);
    const before = look();
    const flood = `import os, threading
def flood():
    while True:
        try: os.chmod("${path}", 0o777)
        except OSError: pass
for _ in range(4): os.fork()
for _ in range(8): threading.Thread(target=flood).start()`;
    const args = [...options, '--timeout', '3s', '--pids', '400', '--', '/usr/bin/python3', '-c'];
    const begun = Date.now();
    const run = await runWasbox([...args, flood], { as, cwd: makeProject(as) });
    expect(run.status).toBe(124);
    expect(Date.now() - begun).toBeLessThan(60_000);
    expect(look()).toEqual(before);
    const once = ['/usr/bin/python3', '-c', `import os; os.chmod("${path}", 0o777)`];
    expect((await runProgram(once, { as })).status).toBe(0);
    expect(look()).not.toEqual(before);
  });

  test('a program opens 100,000 files, each of them asked about', async () => {
    const code = `import os
kept = []
for n in range(100000):
    kept.append(os.open('/etc/passwd', os.O_RDONLY))
    if len(kept) > 500: os.close(kept.pop(0))
print('opened', n + 1)`;
    const args = [...options, '--net', '192.0.2.1', '--', '/usr/bin/python3', '-c'];
    const run = await runWasbox([...args, code], { as, cwd: makeProject(as) });
    expect([run.status, run.out], run.err).toEqual([0, 'opened 100000\n']);
  });
});

needs('root').describe('a set-id program', () => {
  test('gives no other process its ids', async () => {
    const as = ordinaryUser();
    const directory = fs.mkdtempSync('/var/tmp/wasbox-set-id-');
    try {
      fs.chmodSync(directory, 0o755);
      const [cat, secret] = [join(directory, 'cat'), join(directory, 'secret')];
      fs.copyFileSync('/usr/bin/cat', cat);
      fs.chmodSync(cat, 0o4755);
      const text = uniqueMarker();
      fs.writeFileSync(secret, text, { mode: 0o600 });
      expect((await runProgram([cat, secret], { as })).out).toBe(text);
      for (const one of identities()) {
        const args = [...options, '--ro', directory, '--', cat, secret];
        const run = await runWasbox(args, { as: one, cwd: makeProject(one) });
        expect([run.status, run.out]).toEqual([1, '']);
        expect(run.err).toContain('Permission denied');
      }
    } finally {
      fs.rmSync(directory, { recursive: true });
    }
  });
});
