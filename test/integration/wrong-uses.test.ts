/**
 * Ten wrong uses of each option that users reach for: each gets one line that says what is wrong and where, one that
 * says what to do, and nothing runs.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../support/free-port.mjs';
import { ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runWasbox } from '../support/wasbox.js';

const as = ordinaryUser();
const script = ['s.py'];

/** The words before the script, what the first line names, and whether the run goes on without it. */
type Wrong = readonly [words: readonly string[], names: RegExp, goesOn?: true];

/** Values that no limit takes. */
const noLimits = ['', '0', '-1', 'many', '10 M', '1e9', '10X', '9'.repeat(20), 'NaN', '1,000'];
const limits =
  '--pids --memory --timeout --cpu --disk --inodes --file-size --open-files --max-output'.split(
    ' ',
  );

const table: Readonly<Record<string, readonly Wrong[]>> = {
  ...Object.fromEntries(
    limits.map((option) => [
      option,
      noLimits.map((value): Wrong => [[option, value], new RegExp(`${option}: .*"?${value}`)]),
    ]),
  ),
  '--with': [
    [['--with', ''], /--with/],
    [['--with', ','], /--with/],
    [['--with', 'requests;bs4'], /--with/],
    [['--with', 'requests bs4'], /--with/],
    [['--with', '-r requirements.txt'], /--with/],
    [['--with', '--index-url=https://example.org'], /--with/],
    [['--with', 'https://example.org/a.whl'], /--with/],
    [['--with', '../own'], /--with/],
    [['--with', 'git+https://example.org/a'], /--with/],
    [['--with', 'a', '--image', 'docker.io/library/debian'], /--with/],
  ],
  '--publish': [
    [['--publish', '0'], /--publish "0"/],
    [['--publish', '70000'], /--publish "70000"/],
    [['--publish', 'http'], /--publish "http"/],
    [['--publish', ''], /--publish/],
    [['--publish', '-1'], /--publish/],
    [['--publish', '8080:'], /--publish "8080:"/],
    [['--publish', '1:2:3:4'], /--publish "1:2:3:4"/],
    [['--publish', 'localhost:8080:80'], /localhost/],
    [['--publish', '8080', '--publish', '8080'], /duplicate/],
    [['--net', 'host', '--publish', '8080'], /--net host/],
  ],
  '--ask': [
    [['--ask=yes'], /--ask/],
    [['--ask='], /--ask/],
    [['--ask-for', 'net'], /--ask-for/],
    [['--ask', '--ask-timeout', 'soon'], /--ask-timeout/],
    [['--ask', '--ask-timeout'], /--ask-timeout|command/],
    [['--asked'], /--asked/],
    [['--quiet', '--ask', '--isolation', 'landlock'], /--ask/],
    [['--no-ask'], /--no-ask/],
    [['--interactive'], /--interactive/],
    [['--ask', '--dry-run=x'], /--dry-run/],
  ],
  '--for': [
    [['--for', ''], /--for|preset/],
    [['--for', 'pyp'], /pyp/],
    [['--for', 'npm,'], /--for|preset/],
    [['--for', 'npm yarn'], /npm yarn/],
    [['--for', 'NPM'], /NPM/],
    [['--for', 'npm:all'], /npm:all/],
    [['--for', 'python'], /python/],
    [['--for', 'docker'], /docker/],
    [['--for', '../x'], /\.\.\/x/],
    [['--for', 'npm;pip'], /npm;pip/],
  ],
  '--gpu': [
    [['--gpu'], /--gpu/],
    [['--gpu=all'], /--gpu/],
    [['--gpu', 'all'], /--gpu/],
    [['--gpus', 'all'], /--gpus/],
    [['--gpus=1'], /--gpus/],
    [['--device', '/dev/dri'], /--device/],
    [['--device=/dev/nvidia0'], /--device/],
    [['--for', 'gpu'], /gpu/],
    [['--for', 'cuda'], /cuda/],
    [['--gpu', '--gpu'], /--gpu/],
  ],
  '--display': [
    [['--display'], /--display/],
    [['--display=:0'], /--display/],
    [['--display', ':0'], /--display/],
    [['--x11'], /--x11/],
    [['--wayland'], /--wayland/],
    [['--gui'], /--gui/],
    [['--for', 'display'], /display/],
    [['--for', 'x11'], /x11/],
    [['--display', '--x11'], /--display/],
    [['--display='], /--display/],
  ],
  '--browser': [
    [['--browser'], /--browser/],
    [['--browser=chromium'], /--browser/],
    [['--browser', 'firefox'], /--browser/],
    [['--browsers'], /--browsers/],
    [['--for', 'browser'], /browser/],
    [['--for', 'playwright'], /playwright/],
    [['--for', 'puppeteer'], /puppeteer/],
    [['--for', 'chromium'], /chromium/],
    [['--for', 'selenium'], /selenium/],
    [['--browser', '--headless'], /--browser/],
  ],
  '--env': [
    [['--env', ''], /--env/],
    [['--env', '=x'], /--env/],
    [['--env', 'A B=1'], /A B/],
    [['--env', 'A B'], /A B/],
    [['--env', ' A=1'], / A/],
    [['--env', '-A=1'], /--env/],
    [['--env', 'A\n=1'], /--env/],
    [['--env', 'NOT_SET_HERE'], /NOT_SET_HERE/, true],
    [['--env', '$HOME'], /\$HOME/],
    [['-e', 'A=1'], /-e/],
  ],
  '--home': [
    [['--home', ''], /--home/],
    [['--home', 'empy'], /empy/],
    [['--home', 'Cow'], /Cow/],
    [['--home', 'cow,none'], /cow,none/],
    [['--home', '~'], /--home/],
    [['--home', '/home'], /\/home/],
    [['--home=yes'], /yes/],
    [['--home', 'cow', '--home', 'none'], /--home was given more than once/],
    [['--home', 'cow', '--isolation', 'landlock'], /--home cow/],
    [['--home'], /--home: invalid value "s\.py"/],
  ],
  '--net': [
    [['--net', ''], /--net/],
    [['--net', 'https://example.org/x'], /https:/],
    [['--net', 'example.org/path'], /example\.org\/path/],
    [['--net', 'none,example.org'], /none/],
    [['--net', '*'], /"\*"/],
    [['--net', 'all'], /"all"/],
    [['--net', 'localhost'], /localhost/],
    [['--net', 'example.org:99999'], /99999/],
    [['--net', '10.0.0.1/33'], /33/],
    [['--net'], /no script or command/],
  ],
  '--net-deny': [
    [['--net-deny', ''], /--net-deny/],
    [['--net-deny', 'https://example.org'], /https:/],
    [['--net-deny', 'example.org/path'], /path/],
    [['--net-deny', '*'], /"\*"/],
    [['--net-deny', 'example.org:http'], /http/],
    [['--net-deny', 'a b'], /a b/],
    [['--net-deny', '10.0.0.1/33'], /33/],
    [['--net-deny', '[::1'], /\[::1/],
    [['--net-deny', 'x.*.org'], /x\.\*\.org/],
    [['--net-deny'], /no script or command/],
  ],
  '--hide': [
    [['--hide', ''], /--hide/],
    [['--hide', 'missing'], /missing/, true],
    [['--hide', '/'], /--hide/],
    [['--hide', '.'], /--hide/],
    [['--hide', 's.py'], /s\.py/],
    [['--hide', '/proc'], /\/proc/],
    [['--hide', '**'], /--hide/],
    [['--hide', 'a:b'], /a:b/, true],
    [['--hide', '..'], /--hide/],
    [['--hide', '[a'], /\[a/, true],
  ],
  '--ro': [
    [['--ro', ''], /--ro/],
    [['--ro', 'missing'], /missing/],
    [['--ro', 'missing:/x'], /missing/],
    [['--ro', 's.py:relative'], /relative/],
    [['--ro', 's.py:/proc/x'], /\/proc/],
    [['--ro', 's.py:/a:ro'], /s\.py/],
    [['--ro', ':/x'], /--ro/],
    [['--ro', 's.py:'], /--ro|s\.py/],
    [['--ro', '/proc'], /\/proc/],
    [['--ro', 's.py:/'], /--ro|s\.py/],
  ],
};

let port = 0;
beforeAll(async () => {
  port = await freePort();
});

describe.each(Object.keys(table))('%s', (option) => {
  test('has ten wrong uses here', () => expect(table[option]).toHaveLength(10));

  const rows = (table[option] ?? []).map((row) => [row[0], row] as const);
  test.each(rows)('%j is told', async (words, [, names, goesOn = false]) => {
    const cwd = makeProject(as, { 's.py': 'open("ran", "w")\n' });
    const given = words.map((word) => word.replace(/^8080$/, String(port)));
    const run = await runWasbox(['run', '--apply', ...given, ...script], { as, cwd });
    expect([run.status === 0, fs.existsSync(join(cwd, 'ran'))], run.err).toEqual([goesOn, goesOn]);
    const [what = '', ...rest] = run.err.trimEnd().split('\n');
    expect(what).toMatch(/^wasbox: /);
    expect(what).toMatch(names);
    if (goesOn) return;
    expect([125, 126, 127]).toContain(run.status);
    expect(rest.length, run.err).toBeGreaterThanOrEqual(1);
    expect(rest.length, run.err).toBeLessThanOrEqual(3);
    for (const line of rest) expect(line).toMatch(/^ {2}\S|^ {6}wasbox /);
  });
});
