/** Attacks 15, 16, 19, 25, 28 and 31: hidden files, other processes, kernel settings. */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { listTree, treeDigest, uniqueMarker } from '../support/host.js';
import { identities, isolatedIdentities, underRoot } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runProgram, runWasbox, startProgram } from '../support/wasbox.js';

describe.each(isolatedIdentities())('hidden files, as $label with $isolation', (as) => {
  test('--hide shows nothing of a file or directory', async () => {
    const secret = uniqueMarker();
    const cwd = makeProject(as, { '.env': secret, 'keys/id': secret, 'open.txt': 'open' });
    const script = 'cat .env; ls keys; cat keys/id; cat open.txt';
    const run = async (...hide: string[]) =>
      runWasbox(['run', '-q', '--discard', ...hide, '--', 'sh', '-c', script], { as, cwd });
    const hidden = await run('--hide', '.env', '--hide', 'keys');
    expect(hidden.out).toBe('open');
    const shown = await run();
    expect(shown.out.split(secret)).toHaveLength(3);
  });

  test('a pattern hides every match, wherever it lies (19)', async () => {
    const secret = uniqueMarker();
    const files = {
      '.env': secret,
      'a/.env.local': secret,
      'a/b/c/.env': secret,
      'a/open': 'open',
    };
    const cwd = makeProject(as, files);
    fs.symlinkSync('b/c/.env', join(cwd, 'a/link'));
    fs.symlinkSync('a', join(cwd, 'other'));
    const before = treeDigest(cwd);
    const script = `cat .env a/.env.local a/b/c/.env a/link other/.env.local; find . -type f -exec cat {} +
      mv a/b z; cat z/c/.env; rm -f .env; ln .env y; cp a/.env.local x; cat x y; cat a/open`;
    const run = async (...hide: string[]) =>
      runWasbox(['run', '-q', '--discard', ...hide, '--', 'sh', '-c', script], { as, cwd });
    for (const hide of [['--hide', '**/.env*'], ['--hide-secrets']]) {
      const hidden = await run(...hide);
      expect(hidden.out).not.toContain(secret);
      expect(hidden.out).toContain('open');
    }
    expect(treeDigest(cwd)).toBe(before);
    // Control: a pattern that matches nothing of it hides nothing.
    expect((await run('--hide', '**/.envrc')).out.split(secret).length).toBeGreaterThan(6);
  });

  test('a hidden path that does not exist is made nowhere on the host (15)', async () => {
    const cwd = makeProject(as, { 'a.txt': 'a' });
    const before = treeDigest(cwd);
    const hide = ['.git/hooks', '.envrc', '.vscode/tasks.json', '**/.npmrc', '.bashrc'];
    const options = hide.flatMap((path) => ['--hide', path]);
    const script = 'ls -A; mkdir .vscode; echo x > .vscode/tasks.json; echo x > .envrc';
    const run = await runWasbox(['run', '--apply', ...options, '--', 'sh', '-c', script], {
      as,
      cwd,
    });
    expect(run.out).toBe('a.txt\n');
    expect(run.err).toContain('.vscode/tasks.json: the editor runs');
    expect(run.err).toContain('.envrc: the shell runs it');
    expect(fs.readdirSync(join(cwd, '.vscode'))).toEqual([]);
    fs.rmdirSync(join(cwd, '.vscode'));
    expect(treeDigest(cwd)).toBe(before);
    // Control: outside, the same script leaves them.
    await runProgram(['sh', '-c', script], { as, cwd });
    expect(fs.existsSync(join(cwd, '.envrc'))).toBe(true);
  });

  test('a protected path stays so when its parent is renamed (16)', async () => {
    const secret = uniqueMarker();
    const make = () => makeProject(as, { 'd/e/.env': secret, '.git/hooks/pre-commit.sample': 's' });
    const cwd = make();
    const script = `mv d x; cat x/e/.env; mv x/e y; cat y/.env; echo z > y/.env
      mv .git g 2>/dev/null || { cp -r .git g; rm -rf .git; }; echo evil > g/hooks/pre-commit
      chmod 755 g/hooks/pre-commit; mv g .git`;
    const run = await runWasbox(
      ['run', '-q', '--apply', '--hide', '**/.env', '--', 'sh', '-c', script],
      { as, cwd },
    );
    expect(run.out).not.toContain(secret);
    expect(fs.existsSync(join(cwd, '.git/hooks/pre-commit'))).toBe(false);
    const unprotected = make();
    const outside = await runProgram(['sh', '-c', script], { as, cwd: unprotected });
    expect(outside.out).toContain(secret);
    expect(fs.existsSync(join(unprotected, '.git/hooks/pre-commit'))).toBe(true);
  });
});

describe.each(identities())('files, as $label', (as) => {
  test('writes in the working directory succeed inside and leave the host as it was', async () => {
    const cwd = makeProject(as, { 'a.txt': 'a\n', 'd/b.txt': 'b\n', gone: 'x' });
    const script =
      'echo new > a.txt; rm gone; mkdir e; echo c > e/c; mv d f; chmod 700 f; cat a.txt';
    const before = treeDigest(cwd);
    const kept = await runWasbox(['run', '-q', '--', 'sh', '-ec', script], { as, cwd });
    expect([kept.out, kept.status]).toEqual(['new\n', 0]);
    expect(treeDigest(cwd)).toBe(before);
    const dropped = await runWasbox(['run', '-q', '--discard', '--', 'sh', '-ec', script], {
      as,
      cwd,
    });
    expect(dropped.status).toBe(0);
    expect(treeDigest(cwd)).toBe(before);
    await runProgram(['sh', '-ec', script], { as, cwd });
    expect(treeDigest(cwd)).not.toBe(before);
  });

  test('--apply brings the changes of a run that ends with 0, and of no other', async () => {
    const cwd = makeProject(as, { 'a.txt': 'a\n', gone: 'x' });
    const script = 'echo new > a.txt; rm gone; mkdir e; echo c > e/c; exit $0';
    const before = treeDigest(cwd);
    const failed = await runWasbox(['run', '-q', '--apply', '--', 'sh', '-c', script, '3'], {
      as,
      cwd,
    });
    expect(failed.status).toBe(3);
    expect(treeDigest(cwd)).toBe(before);
    const good = await runWasbox(['run', '-q', '--apply', '--', 'sh', '-c', script, '0'], {
      as,
      cwd,
    });
    expect(good.err).toBe('');
    expect(listTree(cwd).map((one) => one.path)).toEqual(['a.txt', 'e', 'e/c']);
    expect(fs.readFileSync(join(cwd, 'a.txt'), 'utf8')).toBe('new\n');
    expect(fs.statSync(join(cwd, 'e/c')).uid).toBe(as.uid);
  });

  test('a hidden path cannot be moved, uncovered or written to', async () => {
    const secret = uniqueMarker();
    const cwd = makeProject(as, { 'a/.env': secret, 'a/other': 'x' });
    const script =
      'umount a/.env; mv a/.env b; mv a c; cat a/.env c/.env b; ln a/.env d; cat d; echo x > a/.env; find . -type f -exec cat {} +';
    const run = await runWasbox(
      ['run', '-q', '--discard', '--hide', 'a/.env', '--', 'sh', '-c', script],
      { as, cwd },
    );
    expect(run.out).not.toContain(secret);
    expect(fs.readFileSync(join(cwd, 'a/.env'), 'utf8')).toBe(secret);
    expect((await runProgram(['cat', 'a/.env'], { as, cwd })).out).toBe(secret);
  });

  test('--ro is read-only and --rw reaches the host', async () => {
    const shown = makeProject(as, { 'f.txt': 'f' });
    const cwd = makeProject(as);
    const script = `cat ${shown}/f.txt; echo new > ${shown}/f.txt; touch ${shown}/g`;
    const argv = ['--', 'sh', '-c', script];
    const readOnly = await runWasbox(['run', '-q', '--discard', '--ro', shown, ...argv], {
      as,
      cwd,
    });
    expect(readOnly.out).toBe('f');
    expect(listTree(shown).map((one) => one.path)).toEqual(['f.txt']);
    expect(fs.readFileSync(join(shown, 'f.txt'), 'utf8')).toBe('f');
    await runWasbox(['run', '-q', '--discard', '--rw', shown, ...argv], { as, cwd });
    expect(fs.readFileSync(join(shown, 'f.txt'), 'utf8')).toBe('new\n');
    expect(fs.statSync(join(shown, 'g')).uid).toBe(as.uid);
  });

  test.each(['home', 'above', 'root'])(
    'home stays hidden when the working directory is %s',
    async (which) => {
      const mark = uniqueMarker();
      const secret = join(as.home, `.${mark}`);
      fs.writeFileSync(secret, mark);
      if (process.getuid?.() !== as.uid) fs.chownSync(secret, as.uid, as.gid);
      try {
        const cwd = which === 'home' ? as.home : which === 'above' ? dirname(as.home) : '/';
        const command = ['sh', '-c', `cat "${secret}"; ls -a "${as.home}" | grep -c ${mark}`];
        const run = await runWasbox(['run', '--discard', '--', ...command], { as, cwd });
        expect(run.out).not.toContain(mark);
        if (run.status === 125) expect(run.out).toBe('');
        else expect(run.out).toBe('0\n');
        // It says what it did.
        expect(run.err).toMatch(/home|director/i);
        const control = await runProgram(command, { as, cwd });
        expect(control.out).toBe(`${mark}1\n`);
      } finally {
        fs.rmSync(secret);
      }
    },
  );

  test('no process of the host can be seen, signalled or read', async () => {
    const marker = uniqueMarker();
    const victim = startProgram(['sh', '-c', 'echo up; read wait', marker], { as });
    await new Promise((resolve) => victim.stdout?.once('data', resolve));
    try {
      const code = `import os, sys
found = False
for n in os.listdir('/proc'):
    try: found |= '${marker}' in open(f'/proc/{n}/cmdline').read() and int(n) not in (os.getpid(), os.getppid())
    except (OSError, ValueError): pass
print('seen', found)
for s in (15, 9):
    try: os.kill(${victim.pid}, s); print('killed')
    except OSError: pass
try:
    # Never outside a sandbox, whatever else is broken.
    if open('/proc/1/comm').read().startswith('wasbox'): os.kill(-1, 9); print('all killed')
except OSError: pass
`;
      const cwd = makeProject(as, { 'look.py': code });
      const args = ['run', '-q', '--discard', 'look.py'];
      const inside = await runWasbox(args, { as, cwd });
      expect(inside.out.replace('all killed\n', '')).toBe('seen False\n');
      expect(victim.exitCode ?? victim.signalCode).toBe(null);
      const gentle = code.split('for s in')[0] ?? '';
      expect((await runProgram(['python3', '-c', gentle], { as, cwd })).out).toBe('seen True\n');
    } finally {
      victim.kill('SIGKILL');
    }
  });

  test('kernel settings stay as they are', async () => {
    const settings = [
      '/proc/sys/kernel/core_pattern',
      '/proc/sys/kernel/modprobe',
      '/proc/sys/kernel/hotplug',
      '/proc/sys/fs/binfmt_misc/register',
      '/proc/sysrq-trigger',
      '/sys/kernel/uevent_helper',
      '/sys/fs/cgroup/release_agent',
      '/sys/fs/cgroup/memory/release_agent',
      '/sys/power/state',
      '/proc/self/attr/current',
      '/proc/self/../1/oom_score_adj',
      '/proc/1/root/etc/passwd',
    ];
    const script = 'for p; do (printf "|/x" > "$p") 2>/dev/null && echo "wrote $p"; done; exit 0';
    const state = (): string[] =>
      settings.map((path) => {
        try {
          return fs.readFileSync(path, 'latin1').slice(0, 200);
        } catch {
          return '';
        }
      });
    const before = state();
    for (const extra of [[], ['--root']]) {
      const args = ['run', '-q', '--discard', ...extra, '--', 'sh', '-c', script, 'sh'];
      const run = await runWasbox([...args, ...settings], { as, cwd: makeProject(as) });
      expect(run.out).toBe('');
      expect(run.status).toBe(0);
    }
    expect(state()).toEqual(before);
    if (underRoot && as.uid === 0) {
      // Control: root can write such a file outside; the same value, so that nothing changes.
      const path = '/proc/sys/kernel/core_pattern';
      fs.writeFileSync(path, fs.readFileSync(path));
    }
  });
});
