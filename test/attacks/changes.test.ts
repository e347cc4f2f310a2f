/**
 * Attacks 17, 18 and 41: what a run leaves in its layer, and who waits in the directory that `apply`
 * writes to. The oracle is a victim directory beside it, and what the host has afterwards.
 */
import type { ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { listTree, stopProcess, treeDigest } from '../support/host.js';
import { isolatedIdentities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runProgram, runWasbox, startProgram } from '../support/wasbox.js';

const applies = Number(process.env.WASBOX_RACES ?? 5);

/** Stops what swaps `d` and `trap`, and leaves the directory at its own name. */
async function holdSwapped(racer: ChildProcess, cwd: string): Promise<void> {
  await stopProcess(racer);
  const [name, trap, aside] = ['d', 'trap', 'aside'].map((part) => join(cwd, part)) as [
    string,
    string,
    string,
  ];
  if (!fs.lstatSync(name).isSymbolicLink()) return;
  fs.renameSync(name, aside);
  fs.renameSync(trap, name);
  fs.renameSync(aside, trap);
}

describe.each(isolatedIdentities())('changes of a run, as $label with $isolation', (as) => {
  test('links out of the directory are not followed, nor created unless named (17)', async () => {
    const victim = makeProject(as, { 'file.txt': 'victim', 'sub/': '' }, 'victim');
    const make = () => makeProject(as, { 'out/f': 'old', 'kept/f': 'old' });
    const cwd = make();
    const before = treeDigest(victim);
    const env = { XDG_STATE_HOME: makeProject(as, {}, 'state') };
    const script = `rm -r out; ln -s ${victim} out; echo x > out/file.txt; echo x > out/new
      ln -s ${victim}/sub deep; mkdir -p deep/made; ln -s ${victim}/file.txt kept/link; echo x > kept/link
      echo run > kept/f; exit 0`;
    await runWasbox(['run', '-q', '--', 'sh', '-c', script], { as, cwd, env });
    const apply = await runWasbox(['apply'], { as, cwd, env });
    expect(apply.status).toBe(3);
    for (const name of ['out', 'deep', 'kept/link'])
      expect(apply.err).toContain(
        `${name}: not applied automatically: the symbolic link points outside`,
      );
    expect(fs.readFileSync(join(cwd, 'kept/f'), 'utf8')).toBe('run\n');
    expect(fs.lstatSync(join(cwd, 'out')).isDirectory()).toBe(true);
    // Named, it is the link that comes; what it leads to is not touched.
    expect((await runWasbox(['apply', 'out', 'deep'], { as, cwd, env })).status).toBe(0);
    expect(fs.readlinkSync(join(cwd, 'out'))).toBe(victim);
    // A later run that finds it there does not get through it either.
    await runWasbox(
      ['run', '-q', '--apply', '--', 'sh', '-c', 'echo x > out/late; echo x > deep/late'],
      {
        as,
        cwd,
        env,
      },
    );
    expect(treeDigest(victim)).toBe(before);
    // Control: outside, the same script reaches the victim.
    await runProgram(['sh', '-c', script], { as, cwd: make() });
    expect(treeDigest(victim)).not.toBe(before);
  });

  test('set-id bits, attributes, FIFOs, sockets, devices and hard links do not get out (18)', async () => {
    const make = () => makeProject(as, { old: 'old\n', 'd/in': 'in\n' });
    const code = `import os, socket, stat
def attempt(do, *words):
    try: do(*words)
    except OSError: pass
for name in ("setuid", "setgid", "attr", "one"): open(name, "w").write("x\\n")
attempt(os.chmod, "setuid", 0o4755); attempt(os.chmod, "setgid", 0o2755); attempt(os.chmod, "old", 0o4755)
os.mkdir("sticky"); attempt(os.chmod, "sticky", 0o3777)
for name in ("attr", "old", "d", "."): attempt(os.setxattr, name, "user.evil", b"1")
attempt(os.setxattr, "attr", "security.capability", b"\\x01\\0\\0\\2" + b"\\xff" * 16)
for name in ("opaque", "redirect", "whiteout", "metacopy"): attempt(os.setxattr, "d", "user.overlay." + name, b"y")
os.link("one", "two"); attempt(os.link, "/etc/passwd", "three"); os.link("old", "late")
os.mkfifo("fifo"); attempt(lambda: socket.socket(socket.AF_UNIX).bind("sock"))
for kind in (stat.S_IFCHR, stat.S_IFBLK): attempt(os.mknod, "dev%d" % kind, kind | 0o666, os.makedev(1, 3))
attempt(os.mknod, "d/in2", stat.S_IFCHR, 0)
`;
    /** Returns what must not be there. */
    const evil = async (directory: string): Promise<string[]> => {
      const look = `import os, stat
links = {}
for top, directories, files in os.walk("."):
    for name in ["."] * (top == ".") + directories + files:
        path = os.path.join(top, name); s = os.lstat(path); kind = stat.S_IFMT(s.st_mode)
        if s.st_mode & 0o7000: print(name, "mode")
        if kind not in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK): print(name, "special")
        if kind == stat.S_IFREG: links.setdefault((s.st_ino, s.st_nlink), []).append(name)
        for attribute in os.listxattr(path, follow_symlinks=False): print(name, attribute)
# Links among new files are as good as outside; none may lead to a file that was there, or elsewhere.
for (_, count), names in links.items():
    if len(names) < count or (len(names) > 1 and {"old", "in"} & set(names)): print(*sorted(names), "links")`;
      const seen = await runProgram(['python3', '-c', look], { as, cwd: directory });
      expect(seen.err).toBe('');
      return seen.out.split('\n').filter((line) => line !== '');
    };
    const cwd = make();
    const env = { XDG_STATE_HOME: makeProject(as, {}, 'state') };
    const run = await runWasbox(['run', '-q', '--lang', 'python', '-c', code], { as, cwd, env });
    expect([run.err, run.status]).toEqual(['', 0]);
    const apply = await runWasbox(['apply'], { as, cwd, env });
    expect(await evil(cwd)).toEqual([]);
    expect(listTree(cwd).map(({ path }) => path)).toEqual(
      expect.arrayContaining(['attr', 'd/in', 'two']),
    );
    // The output says what was not applied.
    expect(apply.err).toContain('fifo: not applied: it is a device');
    // With Landlock isolation, a run can make neither set-id bits nor attributes nor sockets.
    const more = as.isolation === 'namespaces';
    expect(apply.err.includes('setuid: applied without its set-id bits')).toBe(more);
    expect(apply.err.includes('attr: applied without its extended attributes')).toBe(more);
    expect(apply.err.includes('sock: not applied: it is a device')).toBe(more);
    for (const name of more ? ['.', 'd'] : [])
      expect(apply.err).toContain(`${name}: not applied: only its extended`);
    // Control: the same code outside leaves all of it.
    const outside = make();
    expect((await runProgram(['python3', '-c', code], { as, cwd: outside })).err).toBe('');
    const left = await evil(outside);
    for (const line of [
      'setuid mode',
      'sticky mode',
      'fifo special',
      'sock special',
      'late old links',
      'attr user.evil',
      '. user.evil',
    ])
      expect(left).toContain(line);
  });

  test('a directory that is swapped for a link while apply works is not followed (41)', async () => {
    const victim = makeProject(as, { f0: 'victim' }, 'victim');
    const cwd = makeProject(as, { 'd/f0': 'old' });
    const env = { XDG_STATE_HOME: makeProject(as, {}, 'state') };
    fs.symlinkSync(victim, join(cwd, 'trap'));
    const before = treeDigest(victim);
    const script =
      'n=0; while [ $n -lt 60 ]; do echo run > d/f$n; n=$((n + 1)); done; rm d/f1; mkdir -p d/e/e';
    for (let n = 0; n < applies; n++)
      await runWasbox(['run', '-q', '--', 'sh', '-c', script], { as, cwd, env });
    const { runs } = JSON.parse((await runWasbox(['runs', '--json'], { as, cwd, env })).out);
    expect(runs).toHaveLength(applies);
    const exchange = `import ctypes
libc = ctypes.CDLL(None)
print('up', flush=True)
while True:
    libc.renameat2(-100, b'${cwd}/d', -100, b'${cwd}/trap', 2)
    libc.usleep(30)`;
    const racer = startProgram(['python3', '-c', exchange], { as });
    await new Promise((resolve) => racer.stdout?.once('data', resolve));
    try {
      let done = 0;
      for (const { id } of runs) {
        // The last time nothing is swapped: on a busy machine the race may be lost each time before.
        if (id === runs.at(-1)?.id) await holdSwapped(racer, cwd);
        const apply = await runWasbox(['apply', id], { as, cwd, env });
        expect(apply.err).not.toContain('internal error');
        done += apply.out.split('\n').length - 1;
      }
      expect(treeDigest(victim)).toBe(before);
      // The result is not that nothing was written at all.
      expect(done).toBeGreaterThan(0);
      racer.kill('SIGCONT');
      // Control: a copy by paths is led astray soon.
      const naive = `import os, shutil
os.makedirs('layer/d', exist_ok=True); open('layer/d/f0', 'w').write('run')
for n in range(20000):
    try:
        if not os.path.islink('${cwd}/d'): shutil.copytree('layer/d', '${cwd}/d', dirs_exist_ok=True)
    except (OSError, shutil.Error): pass
    if open('${victim}/f0').read() != 'victim': break`;
      await runProgram(['python3', '-c', naive], { as, cwd: makeProject(as) });
      expect(treeDigest(victim)).not.toBe(before);
    } finally {
      racer.kill('SIGKILL');
    }
  });
});
