/** Attacks 7, 8 and 34: what the payload inherits from the launcher, and the launcher itself. */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { treeDigest, uniqueMarker } from '../support/host.js';
import { isolatedIdentities } from '../support/identity.js';
import { makeProject, writeFiles } from '../support/project.js';
import { ended, runProgram, runWasbox, startProgram, startWasbox } from '../support/wasbox.js';

const readDescriptors = `import os
seen = []
for fd in range(3, 64):
    try: seen.append((fd, os.read(fd, 100).decode('latin1')))
    except OSError: pass
    for name in ('.', '..', 'secret'):
        try: seen.append((fd, name, os.listdir(f'/proc/self/fd/{fd}/{name}')))
        except OSError: pass
print(seen)
`;

const overwrite = `import os, sys
for path in sys.argv[1:]:
    for flags in (os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC):
        try:
            fd = os.open(path, flags)
            os.write(fd, b'overwritten')
            print('wrote', path)
        except OSError as error:
            print(path, error.errno)
`;

describe.each(isolatedIdentities())('the launcher, as $label with $isolation', (as) => {
  test('passes descriptors 0, 1 and 2 only', async () => {
    const cwd = makeProject(as, { 'fds.py': readDescriptors });
    const marker = uniqueMarker();
    const secret = join(makeProject(as, { secret: marker }), 'secret');
    const run = async (sandboxed: boolean) => {
      const file = fs.openSync(secret, 'r');
      const directory = fs.openSync(dirname(secret), 'r');
      const options = {
        as,
        cwd,
        stdio: ['pipe', 'pipe', 'pipe', file, directory, directory, file] as const,
      };
      const starting = { ...options, stdio: [...options.stdio] };
      const child = sandboxed
        ? startWasbox(['run', '-q', '--discard', 'fds.py'], starting)
        : startProgram(['python3', 'fds.py'], starting);
      const result = await ended(child, starting);
      fs.closeSync(file);
      fs.closeSync(directory);
      return result;
    };
    expect((await run(true)).out).toBe('[]\n');
    expect((await run(false)).out).toContain(marker);
  });

  test.each(['/proc/self/fd/3', '/proc/self/cwd', '/dev/fd/3'])(
    'refuses %s as the working directory, or goes where it really leads',
    async (workdir) => {
      const outside = makeProject(as, { 'canary.txt': 'canary' });
      const directory = fs.openSync(outside, 'r');
      const options = { as, cwd: makeProject(as), stdio: ['pipe', 'pipe', 'pipe', directory] };
      const args = ['run', '-q', '--discard', '--workdir', workdir, '--', 'sh', '-c', 'ls -a ..'];
      const starting = { ...options, stdio: options.stdio as ('pipe' | number)[] };
      const run = await ended(startWasbox(args, starting), starting);
      fs.closeSync(directory);
      if (workdir === '/proc/self/cwd') return expect([0, 125]).toContain(run.status);
      expect(run.status).toBe(125);
      expect(run.out).toBe('');
    },
  );

  test('is not overwritten through /proc', async () => {
    const cwd = makeProject(as, { 'overwrite.py': overwrite });
    const dist = dirname(as.cli);
    const before = treeDigest(dist);
    const binaries = [process.execPath, '/usr/bin/env', '/bin/sh'];
    const magic = ['/proc/self/exe', '/proc/1/exe', '/proc/thread-self/exe'];
    const size = () => binaries.map((path) => [fs.statSync(path).size, fs.statSync(path).mtimeMs]);
    const sizes = size();
    const run = await runWasbox(
      ['run', '-q', '--discard', 'overwrite.py', ...magic, ...binaries, as.cli],
      {
        as,
        cwd,
      },
    );
    expect(run.status).toBe(0);
    expect(run.out).not.toContain('wrote');
    expect(treeDigest(dist)).toBe(before);
    expect(size()).toEqual(sizes);

    // Control: the same payload reaches a program that nothing protects.
    writeFiles(as, cwd, { 'victim.sh': 'exit 0' });
    const control = await runProgram(['python3', 'overwrite.py', join(cwd, 'victim.sh')], {
      as,
      cwd,
    });
    expect(control.out).toContain('wrote');
    expect(fs.readFileSync(join(cwd, 'victim.sh'), 'utf8')).toContain('overwritten');
  });

  test('scrubs the variables that steer programs', async () => {
    const cwd = makeProject(as, { 'startup.sh': 'echo steered\n' });
    const steering = {
      BASH_ENV: join(cwd, 'startup.sh'),
      ENV: join(cwd, 'startup.sh'),
      PYTHONSTARTUP: '/x',
      PYTHONPATH: '/x',
      PERL5OPT: '-Mstrict',
      RUBYOPT: '-w',
      LD_LIBRARY_PATH: '/nonexistent',
      IFS: 'x',
      PS4: '$(echo PS4)',
      GIT_SSH_COMMAND: 'false',
      JAVA_TOOL_OPTIONS: '-Dx=y',
    };
    // With a socket as its stdin bash takes itself for a login of rsh, unless another shell started it.
    const options = { as, cwd, env: { ...steering, SHLVL: '1' } };
    const argv = ['bash', '-c', 'env'];
    const inside = await runWasbox(['run', '-q', '--discard', '--', ...argv], options);
    const outside = await runProgram(argv, options);
    expect(inside.status).toBe(0);
    for (const name of Object.keys(steering)) {
      expect(inside.out).not.toMatch(new RegExp(`^${name}=`, 'm'));
    }
    expect(inside.out).not.toContain('steered');
    expect(outside.out).toContain('steered');
    expect(outside.out).toContain('PYTHONSTARTUP=');
  });

  test('takes no program from the directory it sandboxes for its own use', async () => {
    const marker = uniqueMarker();
    const trap = `#!/bin/sh\necho trapped > "${as.scratch}/${marker}"\n`;
    const cwd = makeProject(as, { 'hello.py': 'print("hello")\n' });
    for (const name of ['wasbox-init', 'id', 'getent', 'newuidmap', 'unshare', 'env', 'sh']) {
      writeFiles(as, cwd, { [name]: trap });
      fs.chmodSync(join(cwd, name), 0o755);
    }
    const path = `${cwd}:.:/usr/local/bin:/usr/bin:/bin`;
    const options = { as, cwd, env: { PATH: path } };
    const run = await runWasbox(['run', '-q', '--discard', 'hello.py'], options);
    expect(run.out).toBe('hello\n');
    expect(fs.existsSync(join(as.scratch, marker))).toBe(false);
    await runProgram(['sh', '-c', 'id'], options);
    expect(fs.existsSync(join(as.scratch, marker))).toBe(true);
  });
});
