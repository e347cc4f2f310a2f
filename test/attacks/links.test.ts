/** Attack 48: a path argument that is a link in the untrusted tree shows, hides and writes nothing else. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { treeDigest, uniqueMarker } from '../support/host.js';
import { identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runWasbox } from '../support/wasbox.js';

describe.each(identities())('links of the untrusted directory, as $label', (as) => {
  const lay = () => {
    const mark = uniqueMarker();
    const own = makeProject(as, { id: mark, 'more/': '' });
    const cwd = makeProject(as, { 'src/a': 'a', 'src/run.sh': 'x' });
    for (const [name, to] of [
      ['conf', own],
      ['file', join(own, 'id')],
      ['src/up', '../conf/more'],
      ['report.json', join(own, 'id')],
    ] as const)
      fs.symlinkSync(to, join(cwd, name));
    return { mark, own, cwd };
  };
  const look = ['--', 'sh', '-c', 'cat conf/id file id "$1/id" 2>&1; echo x > conf/id; ls'];

  test.each(['--ro', '--rw', '--cow', '--workdir', '--hide', '--socket'])('%s', async (option) => {
    const { mark, own, cwd } = lay();
    const before = treeDigest(own);
    for (const link of ['conf', 'file', 'src/up', join(cwd, 'conf'), 'src/../conf/.']) {
      const args = ['run', '-q', '--discard', option, link, ...look, 'sh', own];
      const run = await runWasbox(args, { as, cwd });
      expect([run.status, run.out]).toEqual([125, '']);
      // A file, not a directory, to begin with.
      if (link !== 'file') expect(run.err).toContain(`points outside ${cwd}, to ${own}`);
      expect(run.err).not.toContain(mark);
    }
    expect(treeDigest(own)).toBe(before);
    if (option === '--hide' || option === '--socket') return;
    // Control: the place named on purpose is shown.
    const args = ['run', '-q', '--discard', option, own, ...look, 'sh', own];
    expect((await runWasbox(args, { as, cwd })).out).toContain(mark);
  });

  test('--ro PATH:DEST, and the other untrusted directories', async () => {
    const { mark, own, cwd } = lay();
    const outside = makeProject(as, { 'f.txt': 'f' });
    const refused = async (directory: string, ...options: string[]) => {
      const args = ['run', '-q', '--discard', ...options, ...look, 'sh', own];
      const run = await runWasbox(args, { as, cwd: directory });
      expect([run.status, run.out]).toEqual([125, '']);
      expect(run.err).toContain(`points outside ${cwd}`);
      expect(run.err).not.toContain(mark);
    };
    await refused(cwd, '--ro', 'conf:/mnt');
    await refused(cwd, '--workdir', 'src', '--ro', 'conf');
    await refused(outside, '--rw', cwd, '--ro', join(cwd, 'conf'));
    await refused(outside, '--cow', cwd, '--ro', join(cwd, 'conf'));
    // Control: what the code cannot write to is the user's, links and all.
    const args = ['run', '-q', '--discard', '--ro', join(cwd, 'conf'), ...look, 'sh', own];
    expect((await runWasbox(args, { as, cwd: outside })).out).toContain(mark);
  });

  test.each(['--report', '--html'])('%s', async (option) => {
    const { mark, own, cwd } = lay();
    const outside = makeProject(as, { 'f.txt': 'f' });
    const tries: [string, string[]][] = [
      [cwd, ['report.json']],
      [cwd, ['report.json', '--workdir', 'src']],
      [outside, [join(cwd, 'report.json'), '--rw', cwd]],
      [outside, [join(cwd, 'conf/id'), '--cow', cwd]],
    ];
    for (const [directory, words] of tries) {
      const args = ['run', '-q', '--discard', option, ...words, '--', 'true'];
      const run = await runWasbox(args, { as, cwd: directory });
      expect([run.status, run.err]).toEqual([
        125,
        expect.stringContaining('contains a symbolic link'),
      ]);
    }
    expect(fs.readFileSync(join(own, 'id'), 'utf8')).toBe(mark);
    // Control: a link that is the user's own is followed.
    const args = ['run', '-q', '--discard', option, join(cwd, 'report.json'), '--', 'true'];
    await runWasbox(args, { as, cwd: outside });
    expect(fs.readFileSync(join(own, 'id'), 'utf8')).not.toBe(mark);
  });
});
