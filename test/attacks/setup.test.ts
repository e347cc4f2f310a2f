/**
 * Attacks 9, 10, 13, 14 and 35: what an attacker prepares before wasbox builds the sandbox. The
 * oracle is a victim directory, or a file in the place of a device, on the host.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { shellQuote } from '../../src/options/index.js';
import { startExchange } from '../support/exchange.js';
import { listTree, stopProcess, treeDigest, uniqueMarker } from '../support/host.js';
import {
  everyone,
  identities,
  isolatedIdentities,
  type ordinaryUser,
} from '../support/identity.js';
import { needs } from '../support/needs.js';
import { makeProject, writeFiles } from '../support/project.js';
import { runProgram, runWasbox, wasboxArgv } from '../support/wasbox.js';

/** The number of rounds, of four runs each. */
const rounds = Number(process.env.WASBOX_RACES ?? 25);

describe.each(identities())('the set-up, as $label', (as) => {
  test('makes no mount point through a symlink', async () => {
    const victim = makeProject(as, { 'file.txt': 'victim' }, 'victim');
    const cwd = makeProject(as, { 'data.txt': 'data' });
    fs.symlinkSync(victim, join(cwd, 'sub'));
    const before = treeDigest(victim);
    for (const option of ['--ro', '--rw']) {
      const mapping = `/usr/share/doc:${cwd}/sub/made/here`;
      const args = ['run', '-q', '--discard', option, mapping, '--', 'true'];
      await runWasbox(args, { as, cwd });
      const hide = ['run', '-q', '--discard', '--hide', 'sub/file.txt', '--', 'true'];
      await runWasbox(hide, { as, cwd });
    }
    expect(treeDigest(victim)).toBe(before);
    await runProgram(['mkdir', '-p', `${cwd}/sub/made/here`], { as });
    expect(treeDigest(victim)).not.toBe(before);
  });

  test('is not led astray by an exchange while it runs', async () => {
    const victim = makeProject(as, { 'file.txt': 'victim' }, 'victim');
    const cwd = makeProject(as, { 'sub/a/': '', 'sub/b/': '', 'sub/c/': '', 'sub/d/': '' });
    fs.symlinkSync(victim, join(cwd, 'trap'));
    const before = treeDigest(victim);
    const racer = await startExchange(as, cwd);
    try {
      let started = 0;
      let sub = 'sub';
      for (let round = 0; round <= rounds; round++) {
        // The last time nothing is exchanged: on a busy machine each start before may meet the link.
        if (round === rounds) {
          await stopProcess(racer);
          if (fs.lstatSync(join(cwd, sub)).isSymbolicLink()) sub = 'trap';
        }
        const runs = ['a', 'b', 'c', 'd'].map((name) => {
          const mapping = `/usr/share/doc:${cwd}/${sub}/${name}`;
          const args = ['run', '-q', '--discard', '--ro', mapping, '--', 'sh', '-c'];
          return runWasbox([...args, `echo x > ${sub}/new; echo y > ${sub}/file.txt`], { as, cwd });
        });
        started += (await Promise.all(runs)).filter((one) => one.status === 0).length;
      }
      expect(listTree(victim).map((one) => one.path)).toEqual(['file.txt']);
      expect(treeDigest(victim)).toBe(before);
      expect(started).toBeGreaterThan(0);
      racer.kill('SIGCONT');
      // Control: a launcher that checks and then makes is led astray soon.
      const naive = `import os, time
for n in range(5000):
    try:
        if not os.path.islink('${cwd}/sub'):
            time.sleep(0.0002)
            os.mkdir('${cwd}/sub/m%d' % n)
    except OSError: pass
    if os.listdir('${victim}') != ['file.txt']: break`;
      await runProgram(['python3', '-c', naive], { as });
      expect(treeDigest(victim)).not.toBe(before);
    } finally {
      racer.kill('SIGKILL');
    }
  });
});

describe.each(isolatedIdentities())('the set-up, as $label with $isolation', (as) => {
  test('keeps its own directories to the user, and leaves nothing under /tmp', async () => {
    const mark = uniqueMarker();
    const state = join(makeProject(as), 'state');
    const cwd = makeProject(as);
    const tmp = makeProject(as);
    const predictable = (): string[] =>
      fs.readdirSync('/tmp').filter((name) => /^\.?wasbox/.test(name) && !/[-.]\w{6}$/.test(name));
    const before = predictable();
    const env = { XDG_STATE_HOME: state, TMPDIR: tmp };
    const run = await runWasbox(['run', '-q', '--', 'sh', '-c', `echo ${mark} > ${mark}`], {
      as,
      cwd,
      env,
    });
    expect(run.status).toBe(0);
    expect(fs.readdirSync(tmp)).toEqual([]);
    // The copy has no name that another process could have planted either; mkdtemp(3) ends in six random letters.
    expect(predictable().filter((name) => !before.includes(name))).toEqual([]);
    const kept = listTree(state);
    expect(kept.some((one) => one.path.endsWith(mark))).toBe(true);
    const top = kept.filter((one) => one.kind === 'directory')[0];
    expect(top?.path).toBe('wasbox');
    expect((top?.mode ?? 0o777) & 0o077).toBe(0);

    // Control: the oracle notices a directory that everybody may enter.
    fs.mkdirSync(join(state, 'open'), { mode: 0o755 });
    expect((fs.statSync(join(state, 'open')).mode & 0o077) === 0).toBe(false);
  });

  test('uses no state directory that another user could write to', async () => {
    const state = makeProject(as, { 'wasbox/': '' });
    fs.chmodSync(join(state, 'wasbox'), 0o777);
    const run = await runWasbox(['run', '-q', '--', 'sh', '-c', 'echo x > x'], {
      as,
      cwd: makeProject(as),
      env: { XDG_STATE_HOME: state },
    });
    const open = (fs.statSync(join(state, 'wasbox')).mode & 0o022) !== 0;
    expect(run.status === 125 || !open).toBe(true);
  });
});

needs('root').describe('a /dev that is not what it seems', () => {
  /** Runs a script in a mount namespace of its own, so that /dev can be faked for it alone. */
  const withFake = (as: ReturnType<typeof ordinaryUser>, fake: string, command: string[]) => {
    const user =
      as.uid === 0 ? [] : ['setpriv', `--reuid=${as.uid}`, `--regid=${as.gid}`, '--clear-groups'];
    const script = `set -e; ${fake}; exec ${[...user, ...command].map(shellQuote).join(' ')}`;
    const root = everyone().find((one) => one.uid === 0) ?? as;
    return runProgram(['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script], {
      as: root,
      cwd: as.scratch,
      env: { HOME: as.home, XDG_STATE_HOME: `${as.scratch}/state` },
    });
  };

  describe.each(identities())('as $label', (as) => {
    const devices = [
      ['a regular file as /dev/null', 'null', (file: string) => `mount --bind ${file} /dev/null`],
      ['another device as /dev/null', 'zero', () => 'mount --bind /dev/full /dev/null'],
      [
        'a symlink as /dev/null',
        'link',
        (file: string) =>
          `mkdir -p ${file}.d; cp -a /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/ptmx ${file}.d/; ln -sfn ${file} ${file}.d/null; mount --bind ${file}.d /dev; exec </dev/zero`,
      ],
    ] as const;
    test.each(devices)('%s', async (_what, name, fake) => {
      const file = join(makeProject(as, { [name]: 'victim' }), name);
      fs.chmodSync(file, 0o666);
      const payload = ['sh', '-c', 'echo written > /dev/null; echo ran'];
      const args = wasboxArgv(as, ['run', '-q', '--discard', '--', ...payload]);
      const run = await withFake(as, fake(file), args);
      expect(fs.readFileSync(file, 'utf8')).toBe('victim');
      if (name !== 'link') expect(run.status).toBe(125);
      expect(run.out).toBe(run.status === 0 ? 'ran\n' : '');
      if (name === 'zero') return;
      await withFake(as, fake(file), payload);
      expect(fs.readFileSync(file, 'utf8')).not.toBe('victim');
      writeFiles(as, join(file, '..'), { [name]: 'victim' });
    });
  });
});
