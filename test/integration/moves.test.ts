/**
 * Directories of the host renamed in the copy-on-write tree, by rename(2) as git, npm and build tools call it: the
 * supervisor has it done, with no more rights than the program has. Needs: user namespaces, overlayfs in them,
 * seccomp notifications. The control is the same sandbox without the listener: there rename(2) fails with EXDEV.
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeFastpath } from '../support/fastpath.js';
import { eventually, processesWith } from '../support/host.js';
import { identities, ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { ended, runProgram, runWasbox, startWasbox } from '../support/wasbox.js';
import { weakenedArgv } from '../support/weaken.js';

const tree = {
  'd/a.txt': 'a',
  'd/run.sh': '#!/bin/sh\n',
  'd/sub/b.txt': 'b',
  'd/sub/deeper/c.txt': 'c',
  'd/empty/': '',
};

const rename = (from: string, to: string): string =>
  `import os\ntry: os.rename(${JSON.stringify(from)}, ${JSON.stringify(to)}); print("moved", flush=True)\nexcept OSError as e: print(os.strerror(e.errno), flush=True)`;

describe.each(identities())('as $label', (as) => {
  const python = (cwd: string, code: string, options: readonly string[] = []) =>
    runWasbox(['run', '-q', ...options, '--', 'python3', '-c', code], { as, cwd });

  it('moves what is in it: content, modes, times, links', async () => {
    const cwd = makeProject(as, tree);
    fs.symlinkSync('a.txt', join(cwd, 'd/link'));
    fs.lchownSync(join(cwd, 'd/link'), as.uid, as.gid);
    fs.chmodSync(join(cwd, 'd/sub'), 0o710);
    fs.utimesSync(join(cwd, 'd/sub'), 1e9, 1e9);
    const list =
      'find e | sort; cat e/a.txt e/sub/deeper/c.txt; stat -c "%a %Y" e/sub; readlink e/link; stat -c %a e/run.sh; ls -A';
    const code = `${rename('d', 'e')}\nos.system('''${list}''')`;
    const run = await python(cwd, code, ['--apply']);
    expect(run.out).toBe(
      'moved\ne\ne/a.txt\ne/empty\ne/link\ne/run.sh\ne/sub\ne/sub/b.txt\ne/sub/deeper\ne/sub/deeper/c.txt\nac710 1000000000\na.txt\n755\ne\n',
    );
    // The files that were applied are the same.
    expect(fs.readdirSync(cwd)).toEqual(['e']);
    expect(fs.readFileSync(join(cwd, 'e/sub/deeper/c.txt'), 'utf8')).toBe('c');
    expect(fs.statSync(join(cwd, 'e/sub')).mode & 0o7777).toBe(0o710);
  });

  it('fails without the supervisor (control)', async () => {
    const cwd = makeProject(as, tree);
    const argv = weakenedArgv(as, ['watch'], ['-q', '--', 'python3', '-c', rename('d', 'e')]);
    const run = await runProgram(argv, { as, cwd });
    expect(run.out).toBe('Invalid cross-device link\n');
  });

  it.each([
    [
      'git mv',
      'git init -q . && git add . && git mv d e && git status --short | grep -c "e/"',
      '4\n',
    ],
    ['node', "node -e \"fs.renameSync('d', 'e')\" && cat e/sub/b.txt", 'b'],
    ['mv', 'mv d e && mv e/sub top && cat top/b.txt', 'b'],
    ['perl', 'perl -e "rename(q(d),q(e)) or die; " && cat e/sub/b.txt', 'b'],
  ])('%s works', async (_, code, out) => {
    const cwd = makeProject(as, tree);
    const run = await runWasbox(['run', '-q', '--discard', '-c', code], { as, cwd });
    expect([run.out, run.status]).toEqual([out, 0]);
  });

  it('refuses as the kernel does', async () => {
    const cwd = makeProject(as, { ...tree, 'full/x': '', file: '', 'void/': '' });
    const code = ['full', 'file', 'd/sub', 'nowhere/x', '/tmp/x', '/usr/x', 'd']
      .map((to) => rename('d', to))
      .join('\n');
    const run = await python(cwd, `${code}\n${rename('d', 'void')}`, ['--discard']);
    expect(run.out.split('\n')).toEqual([
      'Directory not empty',
      'Not a directory',
      'Invalid argument',
      'No such file or directory',
      'Invalid cross-device link',
      expect.stringMatching(/Invalid cross-device link|Permission denied|Read-only file system/),
      'moved', // onto itself: nothing to do
      'moved',
      '',
    ]);
  });

  it('puts everything back where something cannot be moved', async () => {
    const cwd = makeProject(as, { ...tree, 'd/zz/closed/x': '' });
    const code = `import os\nos.chmod("d/zz/closed", 0)\n${rename('d', 'e')}\nos.system("find . | sort")`;
    const run = await python(cwd, code, ['--discard']);
    const [said, ...left] = run.out.split('\n');
    // The kernel would have moved it; a helper with the program's rights cannot look into it.
    expect(said).toBe('Permission denied');
    expect(left).not.toContain('./e');
    expect(left).toContain('./d/sub/deeper/c.txt');
    expect(left.join('\n')).not.toContain('wasbox-move');
  });

  it('never moves what is mounted: a hidden place stays hidden', async () => {
    const cwd = makeProject(as, { ...tree, 'd/secret/key': 'SECRET', 'd/shown/y': 'y' });
    const options = ['--discard', '--hide', 'd/secret', '--ro', 'd/shown'];
    const look =
      'os.system("cat d/secret/key e/secret/key d/sub/b.txt 2>&1; echo; ls d; rm -rf d/secret; mv d/secret away; cat away/key")';
    const run = await python(cwd, `${rename('d', 'e')}\n${look}`, options);
    expect(run.out).toContain('Device or resource busy\n');
    expect(run.out + run.err).not.toContain('SECRET');
    expect(run.out).toContain('b\n');
    // Control: without --hide it is read.
    const open = await python(cwd, `${rename('d', 'e')}\nos.system("cat e/secret/key")`, [
      '--discard',
    ]);
    expect(open.out).toBe('moved\nSECRET');
  });

  it('moves nothing outside of the tree, whatever names are exchanged meanwhile', async () => {
    const outside = makeProject(as, { 'victim/x': 'x' }, 'outside');
    const cwd = makeProject(as, { ...tree, 'p/q/r': '' });
    const race = `import os, threading
stop = False
def swap():
    while not stop:
        try:
            os.rename("p/q", "p/q2"); os.symlink("${outside}/victim", "p/q"); os.unlink("p/q"); os.rename("p/q2", "p/q")
        except OSError: pass
t = threading.Thread(target=swap); t.start()
for i in range(60):
    for old, new in (("p/q", "p/n%d" % i), ("p/n%d" % i, "p/q")):
        try: os.rename(old, new)
        except OSError: pass
stop = True; t.join()`;
    const run = await python(cwd, race, ['--discard', '--ro', outside]);
    expect(run.status).toBe(0);
    expect(execFileSync('find', [outside], { encoding: 'utf8' }).trim().split('\n').sort()).toEqual(
      [outside, join(outside, 'victim'), join(outside, 'victim/x')].sort(),
    );
  });

  it('a move takes no processor or descriptor of the run with it when it is killed', async () => {
    const cwd = makeProject(as);
    for (let n = 0; n < 3000; n++) fs.mkdirSync(join(cwd, `d/${n % 60}/${n}`), { recursive: true });
    execFileSync('chown', ['-R', `${as.uid}:${as.gid}`, cwd]);
    const marker = `moves-${process.pid}-${as.uid}`;
    const child = startWasbox(
      ['run', '-q', '--discard', '--', 'python3', '-c', `"${marker}"\n${rename('d', 'e')}`],
      { as, cwd },
    );
    await eventually(() => processesWith(marker).length > 0);
    const end = ended(child, { as });
    child.kill('SIGKILL');
    await end;
    await eventually(() => processesWith(marker).length === 0);
    expect(processesWith(marker)).toEqual([]);
  });

  it('a move is seen by an audit, and works under --ask’s filter and with rules for the network', async () => {
    const cwd = makeProject(as, tree);
    for (const options of [['--audit'], ['--net', '192.0.2.1:9']]) {
      const run = await python(cwd, rename('d', 'e'), ['--discard', ...options]);
      expect([options, run.out]).toEqual([options, 'moved\n']);
    }
  });
});

it('a move works in a start without Node', async () => {
  const as = ordinaryUser();
  const cwd = makeProject(as, tree);
  const fastpath = makeFastpath(as);
  const argv = ['run', '-q', '--discard', '--', 'python3', '-c', rename('d', 'e')];
  for (const times of [1, 2])
    expect([times, (await fastpath.run(argv, { cwd })).out]).toEqual([times, 'moved\n']);
});
