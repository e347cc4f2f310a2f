/**
 * Several programs in one sandbox (attacks.md 62): nothing of one reaches the next beside the files and
 * processes that they share, none has more rights than the only program of a run, and none can stop
 * the session from starting the next.
 */
import { spawnSync } from 'node:child_process';
import { openSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { identities, ordinaryUser } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { makeProject } from '../support/project.js';
import { inSession, inWeakenedSession } from '../support/session.js';

const descriptors = `import os
print(sorted(int(n) for n in os.listdir('/proc/self/fd') if os.path.lexists('/proc/self/fd/' + n)),
      [os.readlink('/proc/self/fd/%d' % n).split(':')[0] for n in range(3)])`;

const rights = `import os, re
print(re.findall(r'^(?:Cap\\w+|NoNewPrivs|Seccomp\\w*|Uid|Gid|SigBlk|SigIgn):.*', open('/proc/self/status').read(), re.M),
      open('/proc/self/oom_score_adj').read(), re.findall(r'.*', open('/proc/self/limits').read()),
      os.getpid() == os.getsid(0) == os.getpgid(0), os.umask(0))`;

/** The parts of init, and of its thread that starts programs, which hold what others are given. */
const init = `import os, ctypes, socket
def attempt(what):
    try:
        what()
        return 'open'
    except OSError: return 'refused'
tasks = os.listdir('/proc/1/task')
print([attempt(lambda: os.close(os.open('/proc/1/task/%s/mem' % t, os.O_RDWR))) for t in tasks],
      [attempt(lambda: os.readlink('/proc/1/task/%s/fd/5' % t)) for t in tasks],
      attempt(lambda: os.readlink('/proc/1/exe')))`;

const exec = (code: string) => `session.exec({ lang: 'python', code: ${JSON.stringify(code)} })`;

describe.each(identities())('as $label', (as) => {
  it('a program gets pipes for 0, 1 and 2, and no other descriptor', async () => {
    const { lines } = await inSession(
      as,
      '{}',
      `const all = await Promise.all(Array.from({ length: 10 }, () => ${exec(descriptors)}));
       show([...new Set(all.map(({ stdout, stderr }) => stdout + stderr))]);`,
    );
    // The directory is open while it is read; by then it is closed.
    expect(lines).toEqual([["[0, 1, 2] ['pipe', 'pipe', 'pipe']\n"]]);
    // One that is handed on is seen.
    const stdio = ['pipe', 'pipe', 'pipe', openSync('/dev/null', 'r')] as const;
    const outside = spawnSync('python3', ['-c', descriptors], { stdio: [...stdio] });
    expect(String(outside.stdout)).toContain('[0, 1, 2, 3');
  });

  it('a program has the rights of the only program of a run', async () => {
    const { lines } = await inSession(
      as,
      '{}',
      `const code = ${JSON.stringify(rights)};
       const alone = await lib.run({ lang: 'python', code, workdir: process.cwd() });
       const first = await session.exec({ lang: 'python', code });
       const second = await session.exec({ lang: 'python', code });
       show([alone.stdout, first.stdout, second.stdout]);`,
    );
    const [[alone, first, second]] = lines as [string[]];
    expect(first).toBe(alone);
    expect(second).toBe(alone);
    expect(first).toMatch(/NoNewPrivs:\\t1.*Seccomp:\\t2/);
    expect(first).toMatch(/CapEff:\\t0{16}/);
    const weaker = await inWeakenedSession(
      as,
      ['seccomp', 'no-new-privs', 'landlock'],
      `show((await ${exec(rights)}).stdout);`,
    );
    expect(weaker.lines[0]).toMatch(/NoNewPrivs:\\t0.*Seccomp:\\t0/);
  });

  it('a program cannot reach into what starts the programs', async () => {
    const body = `show((await ${exec(init)}).stdout.trim());`;
    const { lines } = await inSession(as, '{}', body);
    const both = "['refused', 'refused']";
    expect(lines).toEqual([`${both} ${both} refused`]);
    // Root's init has another user than the programs. What is read-only stays closed.
    if (as.uid === 0) return;
    const weaker = await inWeakenedSession(as, ['dumpable', 'landlock'], body);
    expect(weaker.lines).toEqual([`${both} ['open', 'open'] open`]);
  });

  it('a program cannot stop the session from starting the next program', async () => {
    const { lines } = await inSession(
      as,
      '{}',
      `const { stdout } = await session.exec(['sh', '-c', 'sleep 1000 & echo $!']);
       const python = (code) => session.exec({ lang: 'python', code });
       const attempt = (signal) => python(\`import os
for pid in [1, 2, *map(int, os.listdir('/proc/1/task')), -1]:
    try: os.kill(pid, \${signal})
    except OSError: pass\`);
       await Promise.all([attempt(15), attempt(9)]);
       show((await session.exec(['sh', '-c', \`test -d /proc/\${stdout.trim()} && grep State /proc/\${stdout.trim()}/status || echo gone\`])).stdout);
       show((await attempt(19)).exitCode);
       show((await session.exec(['echo', 'usable'])).stdout);`,
    );
    // The signals have worked: it is gone, or a zombie that init has not reaped yet.
    expect(lines[0]).toMatch(/^gone|Z \(zombie\)/);
    expect(lines.slice(1)).toEqual([0, 'usable\n']);
  });
});

const as = ordinaryUser();
const user = needs('ordinary user');

user.describe('one program against the next', () => {
  it('is started even if one goes on stopping all others', async () => {
    const { lines } = await inSession(
      as,
      '{}',
      `const process = await session.spawn({ lang: 'python', code: \`import os, signal
print('begun', flush=True)
while True:
    for name in os.listdir('/proc'):
        if name.isdigit() and int(name) not in (1, os.getpid()):
            try: os.kill(int(name), signal.SIGSTOP)
            except OSError: pass\` });
       await new Promise((resolve) => process.stdout.once('data', resolve));
       const begun = await Promise.all(Array.from({ length: 20 }, () => session.spawn(['true'])));
       show(begun.length);
       process.kill('SIGKILL');
       await process.result;
       begun.forEach((one) => one.kill('SIGCONT'));
       show((await Promise.all(begun.map(({ result }) => result))).map(({ exitCode }) => exitCode));`,
    );
    expect(lines).toEqual([20, Array.from({ length: 20 }, () => 0)]);
  });

  it('two sessions of one user share nothing', async () => {
    const look = `import os, socket
try: socket.socket(socket.AF_UNIX).connect('\\0wasbox-test'); print('connected')
except OSError as e: print(e.errno)
print([os.path.exists(p) for p in ('/tmp/mark', '/dev/shm/mark', 'mark')], [n for n in os.listdir('/proc') if n.isdigit() and open('/proc/%s/comm' % n).read() == 'sleep\\n'])`;
    const { lines } = await inSession(
      as,
      `{ changes: 'discard' }`,
      `const other = await lib.createSession({ workdir: process.cwd(), changes: 'discard' });
       await session.exec(['sh', '-c', 'touch /tmp/mark /dev/shm/mark mark; sleep 1000 >/dev/null 2>&1 & ']);
       const server = await session.spawn({ lang: 'python', code: 'import socket, time; s = socket.socket(socket.AF_UNIX); s.bind("\\\\0wasbox-test"); s.listen(); print("listens", flush=True); time.sleep(1000)' });
       await new Promise((resolve) => server.stdout.once('data', resolve));
       const code = ${JSON.stringify(look)};
       show((await other.exec({ lang: 'python', code })).stdout);
       show((await session.exec({ lang: 'python', code })).stdout);
       await other.close();`,
    );
    expect(lines[0]).toBe('111\n[False, False, False] []\n');
    expect(lines[1]).toMatch(/^connected\n\[True, True, True\] \['\d+'\]\n$/);
  });

  it('forks neither see nor reach each other, nor what they share', async () => {
    const cwd = makeProject(as, { 'host.txt': 'host\n' });
    const attack = `import os, socket
def attempt(what):
    try: what(); return 'done'
    except OSError as e: return e.errno
def connect(): socket.socket(socket.AF_UNIX).connect('\\0wasbox-test')
def overwrite(path):
    with open(path, 'r+') as f: f.write('EVIL')
print([os.path.exists(p) for p in ('/tmp/mark', 'mark', os.path.expanduser('~/mark'))], attempt(connect),
      [n for n in os.listdir('/proc') if n.isdigit() and open('/proc/%s/comm' % n).read() == 'sleep\\n'])
print([attempt(lambda: overwrite('shared')), attempt(lambda: os.chmod('shared', 0o777)), attempt(lambda: os.link('shared', 'second')),
       attempt(lambda: os.rename('shared-2', 'moved')), attempt(lambda: os.remove('shared-3')), attempt(lambda: os.truncate('shared-4', 1)),
       attempt(lambda: os.setxattr('shared-5', 'user.evil', b'1')), attempt(lambda: os.utime('shared-5', (1, 1)))])
print([os.path.exists(p) for p in (${JSON.stringify(`${cwd}.state`)}, '/proc/1/root/proc/1')])`;
    const { lines } = await inSession(
      as,
      `{ changes: 'discard' }`,
      `const { readdirSync, readFileSync, statSync } = await import('node:fs');
       const names = ['shared', 'shared-2', 'shared-3', 'shared-4', 'shared-5'];
       await session.exec({ code: 'for n in ' + names.join(' ') + '; do echo before > $n; done' });
       const taken = await session.snapshot();
       const [one, other] = [await session.fork(taken), await session.fork(taken)];
       await one.exec({ code: 'touch /tmp/mark mark ~/mark; sleep 1000 >/dev/null 2>&1 &' });
       const server = await one.spawn({ lang: 'python', code: 'import socket, time; s = socket.socket(socket.AF_UNIX); s.bind("\\\\0wasbox-test"); s.listen(); print("listens", flush=True); time.sleep(1000)' });
       await new Promise((resolve) => server.stdout.once('data', resolve));
       const code = ${JSON.stringify(attack)};
       // The host's view of the layer that both lie on.
       const layer = ${JSON.stringify(`${cwd}.state/wasbox/frozen/`)} + taken.id + '/0/';
       const look = () => names.map((name) => { const { mode, mtimeMs, nlink } = statSync(layer + name); return [name, readFileSync(layer + name, 'utf8'), mode, mtimeMs, nlink]; });
       const before = JSON.stringify([readdirSync(layer), look()]);
       show((await other.exec({ lang: 'python', code })).stdout.split('\\n'));
       show((await one.exec({ lang: 'python', code: code.replace(/shared/g, 'no-such') })).stdout.split('\\n')[0]);
       show([JSON.stringify([readdirSync(layer), look()]) === before, (await one.exec({ code: 'cat shared*; ls' })).stdout, (await session.exec({ code: 'cat shared*' })).stdout]);
       // The writes are the same where they are meant to be seen.
       show((await other.exec({ code: 'cat shared; ls' })).stdout);
       await one.close();
       await other.close();`,
      cwd,
    );
    const whole = 'before\n'.repeat(5);
    const all = 'shared\nshared-2\nshared-3\nshared-4\nshared-5\n';
    expect(lines).toEqual([
      [
        '[False, False, False] 111 []',
        `[${Array.from({ length: 8 }, () => "'done'").join(', ')}]`,
        '[False, False]',
        '',
      ],
      expect.stringMatching(/^\[True, True, True\] done \['\d+'\]$/),
      [true, `${whole}host.txt\nmark\n${all}`, whole],
      'EVILre\nhost.txt\nmoved\nsecond\nshared\nshared-4\nshared-5\n',
    ]);
  });
});
