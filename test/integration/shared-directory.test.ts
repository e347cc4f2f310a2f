/** In /tmp and the like, a program has a directory of its own: it sees its script, and no file of another program. */
import * as fs from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { identities } from '../support/identity.js';
import { runWasbox } from '../support/wasbox.js';

const code = `import os, sys
here = os.path.dirname(os.path.abspath(sys.argv[0]))
print(os.getcwd(), sorted(os.listdir(here)) == [os.path.basename(sys.argv[0])])
open("left", "w").write("x")
print(os.path.exists("left"))
`;

describe.each(identities())('in a shared directory, as $label', (as) => {
  const made: string[] = [];
  const tops = ['/tmp', '/var/tmp'];
  const script = `wasbox-test-${process.pid}-${as.uid}.py`;
  beforeAll(() => {
    for (const top of tops) {
      for (const name of [script, `${script}.sibling`]) {
        const file = join(top, name);
        fs.writeFileSync(file, code, { mode: 0o644, flag: 'wx' });
        fs.chownSync(file, as.uid, as.gid);
        made.push(file);
      }
    }
  });
  afterAll(() => {
    for (const file of made) fs.rmSync(file, { force: true });
  });
  const run = (cwd: string, ...args: readonly string[]) => runWasbox(['run', ...args], { as, cwd });

  test.each(tops)('%s: the script is there and its siblings are not', async (top) => {
    for (const name of [script, join(top, script), `./${script}`]) {
      for (const time of ['first', 'second', 'third']) {
        const { status, out, err } = await run(top, name);
        expect([time, status, out], err).toEqual([time, 0, `${top} True\nTrue\n`]);
        expect(err).toContain(`${top} is shared by all programs`);
        expect(err).toContain(`--workdir ${top}`);
      }
    }
    expect(fs.existsSync(join(top, 'left'))).toBe(false);
  });

  test('the options of the line show more', async () => {
    const sibling = `${script}.sibling`;
    const shown = await run('/tmp', '--ro', sibling, '--', 'ls', sibling);
    expect([shown.status, shown.out], shown.err).toEqual([0, `${sibling}\n`]);
    const hidden = await run('/tmp', '--', 'ls', sibling);
    expect(hidden.status).toBe(2);
  });

  // The control: in the directory that an option names, the siblings are seen.
  test('--workdir of a directory with the same files shows them', async () => {
    const copy = fs.mkdtempSync(join(as.scratch, 'copy-'));
    for (const file of made.slice(0, 2)) fs.copyFileSync(file, join(copy, basename(file)));
    for (const file of [copy, ...fs.readdirSync(copy).map((name) => join(copy, name))])
      fs.chownSync(file, as.uid, as.gid);
    const { status, out, err } = await run(copy, '--discard', script);
    expect([status, out], err).toEqual([0, `${copy} False\nTrue\n`]);
    expect(err).not.toContain('is shared by all programs');
  });

  test('--chdir below it is refused, with the way out', async () => {
    const { status, err } = await run('/tmp', '--chdir', '/tmp', '--', 'true');
    expect([status, err]).toEqual([125, expect.stringContaining('which all programs share')]);
    expect(err).toContain('--workdir /tmp');
  });

  test('Landlock isolation, which has no directory of its own there, refuses it', async () => {
    const { status, err } = await run('/tmp', '--isolation', 'landlock', script);
    expect([status, err]).toEqual([125, expect.stringContaining('--workdir DIR')]);
  });
});
