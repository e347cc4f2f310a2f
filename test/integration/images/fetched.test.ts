/** An image that the store does not have is fetched by the run that names it, once. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { identities } from '../../support/identity.js';
import { tarOf, writeLayout } from '../../support/images.js';
import { makeProject } from '../../support/project.js';
import { runProgram, runWasbox } from '../../support/wasbox.js';

const busybox = fs.readFileSync('/bin/busybox');

async function makeLayout(directory: string, text: string): Promise<string> {
  const base = await tarOf([
    { name: 'bin/busybox', mode: 0o755, data: busybox },
    { name: 'bin/sh', type: 'symlink', linkname: 'busybox' },
    { name: 'bin/cat', type: 'symlink', linkname: 'busybox' },
    { name: 'etc/old', data: 'old\n' },
    { name: 'text', data: 'lower\n' },
  ]);
  const upper = await tarOf([
    { name: 'text', data: text },
    { name: 'etc/.wh.old', data: '' },
  ]);
  writeLayout(directory, {
    layers: [base, upper],
    config: { Env: ['PATH=/bin'], Cmd: ['cat', '/text'] },
  });
  return directory;
}

describe.each(identities())('as $label', (as) => {
  test('from the command line: said on stderr, and not again', async () => {
    const project = makeProject(as);
    const layout = await makeLayout(join(makeProject(as), 'layout'), `one ${as.name}\n`);
    const args = ['run', '--image', `oci:${layout}:test`];
    const dry = await runWasbox([...args, '--dry-run'], { as, cwd: project });
    expect([dry.status, dry.err]).toEqual([125, expect.stringContaining('wasbox image pull')]);
    const first = await runWasbox(args, { as, cwd: project });
    expect([first.status, first.out]).toEqual([0, `one ${as.name}\n`]);
    expect(first.err).toMatch(/unpacking layer/);
    for (let again = 0; again < 2; again++) {
      const { status, out, err } = await runWasbox(args, { as, cwd: project });
      expect([status, out, err]).toEqual([0, `one ${as.name}\n`, '']);
    }
    // The layout has another image under that name by now.
    await makeLayout(layout, `two ${as.name}\n`);
    expect((await runWasbox(args, { as, cwd: project })).out).toBe(`two ${as.name}\n`);
    const gone = ['run', '--image', `oci:${layout}:test`, '--', 'cat', '/etc/old'];
    expect((await runWasbox(gone, { as, cwd: project })).status).toBe(1);
  });

  test('from the library: run and a session', async () => {
    const project = makeProject(as);
    const layout = await makeLayout(join(makeProject(as), 'layout'), `library ${as.name}\n`);
    const library = join(as.cli, '../index.js');
    const code = `
      import { createSession, run } from ${JSON.stringify(library)};
      const image = 'oci:${layout}:test';
      const [a, b] = await Promise.all([run('cat', ['/text'], { image }), run({ code: 'cat /text', image })]);
      const session = await createSession({ image });
      const c = await session.exec(['cat', '/text']);
      await session.close();
      const { reference, id } = a.report.sandbox.image;
      console.log(JSON.stringify([a.stdout, b.stdout, c.stdout, reference, /^sha256:/.test(id)]));`;
    const { out, err } = await runProgram([process.execPath, '--input-type=module', '-e', code], {
      as,
      cwd: project,
    });
    expect(err).toBe('');
    const text = `library ${as.name}\n`;
    expect(JSON.parse(out)).toEqual([text, text, text, `oci:${layout}:test`, true]);
  });

  test('a file that is no image is refused, and nothing starts', async () => {
    const project = makeProject(as);
    const missing = await runWasbox(['run', '--image', 'oci:nowhere:test'], { as, cwd: project });
    expect([missing.status, missing.out]).toEqual([125, '']);
    expect(missing.err.split('\n').filter((line) => line.startsWith('wasbox:'))).toHaveLength(1);
  });
});
