/** Tests that what no sandbox has is refused with what can be had instead, and nothing runs. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../../src/index.js';
import { ordinaryUser } from '../support/identity.js';
import { libraryPlace } from '../support/library-place.js';
import { needs } from '../support/needs.js';
import { makeProject } from '../support/project.js';
import { runWasbox } from '../support/wasbox.js';

const as = ordinaryUser();
const { workdir } = libraryPlace('doors');

describe.each([
  [['--gpu'], 'unknown option --gpu', 'Let the program use the processor'],
  [['--gpus', 'all'], 'unknown option --gpus', 'Let the program use the processor'],
  [['--device', '/dev/dri'], 'unknown option --device', 'no GPU and no other device'],
  [['--display'], 'unknown option --display', 'xvfb-run -a COMMAND'],
  [['--x11'], 'unknown option --x11', 'let it read what you type'],
  [['--browser'], 'unknown option --browser', 'its own sandbox turned off, and --net'],
  [['--for', 'playwright'], 'there is no preset "playwright"', '--ro ~/.cache/ms-playwright'],
  [['--for', 'browser'], 'there is no preset "browser"', 'its own sandbox turned off'],
  [['--for', 'npm,puppeteer'], 'there is no preset "puppeteer"', '--ro ~/.cache/puppeteer'],
  [['--for', 'docker'], 'there is no preset "docker"', '--image IMAGE'],
  [['--for', 'gpu'], 'there is no preset "gpu"', 'Let the program use the processor'],
])('%j', (options, said, instead) => {
  test('is refused, and says what can be had', async () => {
    const cwd = makeProject(as, { 'a.sh': 'echo ran > ran\n' });
    const { status, out, err } = await runWasbox(['run', '--rw', '.', ...options, 'a.sh'], {
      as,
      cwd,
    });
    expect([status, out], err).toEqual([125, '']);
    expect(err).toContain(said);
    expect(err).toContain(instead);
    expect(fs.existsSync(join(cwd, 'ran'))).toBe(false);
  });
});

test('the control: without such an option the script runs', async () => {
  const cwd = makeProject(as, { 'a.sh': 'echo ran > ran\n' });
  expect((await runWasbox(['run', '--rw', '.', 'a.sh'], { as, cwd })).status).toBe(0);
  expect(fs.existsSync(join(cwd, 'ran'))).toBe(true);
});

test('the library names properties', async () => {
  const error = await run({ workdir, code: 'true', for: 'playwright' }).catch((e: unknown) => e);
  expect(error).toMatchObject({
    code: 'ERR_OPTION_VALUE',
    hint: expect.stringContaining("{ ro: ['~/.cache/ms-playwright'] }"),
  });
});

describe('a browser', () => {
  needs('chromium').test('runs as the line says', async () => {
    const cwd = makeProject(as);
    const argv = ['--', 'chromium', '--no-sandbox', '--headless', '--dump-dom'];
    const page = 'data:text/html,<p>a page</p>';
    const { out, err } = await runWasbox(['run', '--discard', ...argv, page], { as, cwd });
    expect(out, err).toContain('<p>a page</p>');
  });
});
