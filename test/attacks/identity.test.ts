/** Attacks 29 and 30: groups that deny, capabilities left over, and never root on the host. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { identities } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { makeProject } from '../support/project.js';
import { runProgram, runWasbox } from '../support/wasbox.js';

const dropGroups = `import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
for call in (lambda: os.setgroups([]), lambda: os.setgroups([0]), lambda: os.setgid(0 if os.getgid() else 1), lambda: os.setuid(0 if os.getuid() else 1),
             lambda: os.setresuid(12, 12, 12), lambda: os.chown('mine', os.getuid(), 12)):
    try: call(); print('done')
    except OSError as error: print('errno', error.errno)
print(open('/proc/self/setgroups').read().strip())
`;

const capabilities = `import re
print(re.findall(r'^(Cap\\w+|NoNewPrivs|Seccomp):\\s*(\\w+)', open('/proc/self/status').read(), re.M))`;

/** Compares what stat(2) and a chown(2) to an id that is not there say of each path. */
const lookByChown = `import errno, os, sys
for path in sys.argv[1:]:
    for call in (os.stat, lambda path: os.chown(path, 3000000, -1), lambda path: os.chown(path, 3000000, -1, follow_symlinks=False)):
        try: call(path); print('done')
        except OSError as e: print(errno.errorcode[e.errno])
`;

describe.each(identities())('identity, as $label', (as) => {
  needs('root').test('the content of a closed directory stays unknown', async () => {
    const shown = makeProject(as, { 'closed/file': '' });
    fs.chownSync(join(shown, 'closed'), 70_000, 70_000);
    fs.chmodSync(join(shown, 'closed'), 0o700);
    const paths = ['file', 'missing'].map((name) => join(shown, 'closed', name));
    const program = ['python3', '-c', lookByChown, ...paths];
    const options = { as, cwd: makeProject(as) };
    const argv = ['run', '-q', '--discard', '--ro', shown, '--', ...program];
    expect((await runWasbox(argv, options)).out).toBe('EACCES\n'.repeat(6));
    // Control: root outside is told.
    const told = 'done\ndone\ndone\nENOENT\nENOENT\nENOENT\n';
    const outside = await runProgram(program, options);
    expect(outside.out).toBe(as.uid === 0 ? told : 'EACCES\n'.repeat(6));
  });

  test.each(['plain', '--root'])('no group can be given up or taken (%s)', async (how) => {
    const cwd = makeProject(as, { 'drop.py': dropGroups, mine: '' });
    const extra = how === 'plain' ? [] : [how];
    const run = await runWasbox(['run', '-q', '--discard', ...extra, 'drop.py'], { as, cwd });
    expect(run.out).not.toContain('done');
    if (as.uid !== 0) expect(run.out).toContain('deny');
  });

  needs(as.uid === 0 ? 'root' : 'another identity').test(
    'a control: root gives up groups outside',
    async () => {
      const cwd = makeProject(as, { 'drop.py': dropGroups, mine: '' });
      const run = await runProgram(['python3', 'drop.py'], { as, cwd });
      expect(run.out).toContain('done');
    },
  );

  test.each(['plain', '--root'])('no capability is left (%s)', async (how) => {
    const extra = how === 'plain' ? [] : [how];
    const argv = ['python3', '-c', capabilities];
    const options = { as, cwd: makeProject(as) };
    const inside = await runWasbox(['run', '-q', '--discard', ...extra, '--', ...argv], options);
    const zero = '0000000000000000';
    const sets = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map(
      (name) => `('${name}', '${zero}')`,
    );
    expect(inside.out.trim()).toBe(
      `[${[...sets, "('NoNewPrivs', '1')", "('Seccomp', '2')"].join(', ')}]`,
    );
    const outside = await runProgram(argv, options);
    expect(outside.out).not.toContain(`('CapBnd', '${zero}')`);
    expect(outside.out).toContain("('NoNewPrivs', '0')");
  });

  test('a setuid program gives nothing', async () => {
    const run = await runWasbox(
      [
        'run',
        '-q',
        '--discard',
        '--',
        'sh',
        '-c',
        'cp /bin/cat cat && chmod 6755 cat; ./cat /proc/self/status; su -c id daemon </dev/null',
      ],
      { as, cwd: makeProject(as) },
    );
    const uid = /^Uid:\s+(\d+)\s+(\d+)/m.exec(run.out);
    expect(uid?.[1]).toBe(uid?.[2]);
    expect(run.out).not.toMatch(/uid=1\b/);
  });

  test('files that a run writes to the host belong to the user, and are not setuid root', async () => {
    const shown = makeProject(as);
    const script = `cp /bin/true ${shown}/t; chmod 6755 ${shown}/t; mkdir ${shown}/d; mknod ${shown}/n c 1 3; true`;
    await runWasbox(['run', '-q', '--discard', '--rw', shown, '--', 'sh', '-c', script], {
      as,
      cwd: makeProject(as),
    });
    expect(fs.readdirSync(shown).sort()).toEqual(['d', 't']);
    expect(fs.statSync(join(shown, 't')).uid).toBe(as.uid);
    if (as.uid === 0) expect(fs.statSync(join(shown, 't')).mode & 0o6000).toBe(0);
  });
});
