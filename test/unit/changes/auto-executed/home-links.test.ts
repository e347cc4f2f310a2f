/** The user's own programs that lead into a tree are found by the tree's name, and by no letter of another word. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { namesTree, programsOfPath } from '../../../../src/changes/auto-executed/home-links.js';

describe('a name of one letter', () => {
  test.each([
    ...['/srv/w/run', '. ~/w/env', 'cd "w" && make', 'PATH=/srv/w:$PATH', 'exec $HOME/w/bin/x'],
    ...['exec "$root"/w/x', "source '/srv/w'", 'cd /srv; . w/x', 'cat /srv/w.*', '/srv/w', 'w'],
  ])('is found in %s', (text) => {
    expect(namesTree(text, 'w')).toBe(true);
  });

  test.each([
    ...[
      'while read x; do',
      'ps auxw',
      '[ -w "$1" ]',
      'perl -pe "s/\\w+/x/"',
      'echo $w',
      'printf %w',
    ],
    ...['new/x', '/srv/www/x', '/srv/w_old', 'wäre', ''],
  ])('is not found in %s', (text) => {
    expect(namesTree(text, 'w')).toBe(false);
    // Control: it has the letter, as all but the last have.
    expect(text.includes('w')).toBe(text !== '');
  });
});

describe('programs in a directory of PATH', () => {
  const { PATH } = process.env;
  let base: string;
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'programs-'));
    mkdirSync(join(base, 'bin'));
    process.env.PATH = `${join(base, 'bin')}:${PATH}`;
  });
  afterEach(() => {
    process.env.PATH = PATH;
    rmSync(base, { recursive: true });
  });
  const program = (name: string, text: string | Buffer): void => {
    writeFileSync(join(base, 'bin', name), text);
    chmodSync(join(base, 'bin', name), 0o755);
  };
  const found = (name: string): string[] =>
    [...programsOfPath(name)].flatMap(({ path, text }) =>
      path.startsWith(base) && text !== undefined ? [path.slice(base.length + 5)] : [],
    );

  test('are those that run something of the tree, as the shell does', () => {
    const ran = join(base, 'ran');
    mkdirSync(join(base, 'w'));
    writeFileSync(join(base, 'w/x'), `echo ran >> ${ran}\n`);
    program('leads', `#!/bin/sh\n. ${base}/w/x\n`);
    program('other', '#!/bin/sh\nwhile false; do :; done; [ -w / ] || true\n');
    program('packed', Buffer.from('#!/bin/sh\nexit 0\n\0\x01 /w/x w/x \0', 'latin1'));
    const leading = ['leads', 'other', 'packed'].filter((name) => {
      writeFileSync(ran, '');
      execFileSync(join(base, 'bin', name), { stdio: 'ignore' });
      return readFileSync(ran, 'utf8') !== '';
    });
    expect(leading).toEqual(['leads']);
    expect(found('w')).toEqual(leading);
    // Control: each of them is read.
    expect(found('exit')).toEqual(['packed']);
    expect(found('false')).toEqual(['other']);
  });
});
