/**
 * A program that makes the same run again and again: whatever changes between two runs, the second is
 * made as by a program that makes its first.
 */
import { describe, expect, test } from 'vitest';
import { identities, ordinaryUser } from '../support/identity.js';
import { runLibrary } from '../support/library-child.js';
import { needs } from '../support/needs.js';
import { makeProject } from '../support/project.js';

const as = ordinaryUser();

interface Case {
  /** Options of `run`, as source text. */
  readonly options: string;
  /** Changes the host, as source text; `fs` is node:fs, `dir` the working directory. */
  readonly change: string;
  readonly before: string;
  readonly after: string;
}

const executable = (path: string, say: string): string =>
  `fs.writeFileSync(${path}, '#!/bin/sh\\necho ${say}\\n', { mode: 0o755 })`;

const cases: Readonly<Record<string, Case>> = {
  'another variable that is passed on': {
    options: `{ command: 'sh', args: ['-c', 'echo "$TERM"'] }`,
    change: `process.env.TERM = 'vt100'`,
    before: 'xterm\n',
    after: 'vt100\n',
  },
  'another directory of the same name': {
    options: `{ command: 'cat', args: ['file'] }`,
    change: `fs.renameSync(dir, dir + '.old'); fs.mkdirSync(dir); fs.writeFileSync(dir + '/file', 'new')`,
    before: 'host',
    after: 'new',
  },
  'a new program earlier in PATH': {
    options: `{ command: 'some-tool' }`,
    change: executable('dir + "/../bin1/some-tool"', 'early'),
    before: 'late\n',
    after: 'early\n',
  },
  'another #! line': {
    options: `{ command: 'script.sh' }`,
    change: `fs.writeFileSync(dir + '/script.sh', '#!/bin/cat\\n')`,
    before: 'one\n',
    after: '#!/bin/cat\n',
  },
  'a script that became a link out of the directory': {
    options: `{ command: './script.sh' }`,
    change: `${executable('dir + "/../outside.sh"', 'outside')}; fs.rmSync(dir + '/script.sh'); fs.symlinkSync('../outside.sh', dir + '/script.sh')`,
    before: 'one\n',
    after: 'ERR_SCRIPT_UNREADABLE',
  },
  'another policy': {
    options: `{ command: 'sh', args: ['-c', 'mkdir /tmp/made 2>/dev/null && echo made'], policy: 'own.policy' }`,
    change: `fs.writeFileSync(dir + '/own.policy', 'errno(ENOSPC) mkdir mkdirat\\ninclude "default"\\n')`,
    before: 'made\n',
    after: '',
  },
  'another file under --ro': {
    options: `{ command: 'cat', args: [dir + '/../shown'], ro: [dir + '/../shown'] }`,
    change: `fs.writeFileSync(dir + '/../new', 'new'); fs.renameSync(dir + '/../new', dir + '/../shown')`,
    before: 'shown',
    after: 'new',
  },
  'another current directory': {
    options: `{ command: 'pwd', workdir: undefined }`,
    change: `fs.mkdirSync(dir + '/deeper'); process.chdir(dir + '/deeper')`,
    before: 'CWD\n',
    after: 'CWD/deeper\n',
  },
  'another umask': {
    options: `{ command: 'sh', args: ['-c', 'umask; stat -c %a .'] }`,
    change: `process.umask(0o077)`,
    before: '0022\n755\n',
    after: '0077\n755\n',
  },
  'a state directory that was removed': {
    options: `{ command: 'echo', args: ['fine'] }`,
    // A layer may just be emptied there for the next run: rmSync lists a directory once, and tries again only to remove it.
    change: `for (;;) {
      try {
        fs.rmSync(process.env.XDG_STATE_HOME, { recursive: true, force: true });
        break;
      } catch (error) {
        if (error.code !== 'ENOTEMPTY') throw error;
      }
    }`,
    before: 'fine\n',
    after: 'fine\n',
  },
  'a state directory that was replaced': {
    options: `{ command: 'echo', args: ['fine'] }`,
    change: `fs.renameSync(process.env.XDG_STATE_HOME, process.env.XDG_STATE_HOME + '.old')`,
    before: 'fine\n',
    after: 'fine\n',
  },
  'a report that the program changed': {
    options: `{ command: 'echo', args: ['fine'] }`,
    change: `latest.report.argv.push('more'); latest.report.notes.push('more'); latest.report.sandbox.namespaces.length = 0`,
    before: 'fine\n',
    after: 'fine\n',
  },
};

needs('ordinary user').describe('a run that was made before sees', () => {
  test.concurrent.each(Object.entries(cases))('%s', async (_name, one) => {
    const place = makeProject(as, {
      'work/file': 'host',
      'work/script.sh': '#!/bin/sh\necho one\n',
      'work/own.policy': 'include "default"\n',
      'bin1/': '',
      'bin2/some-tool.sh': '#!/bin/sh\necho late\n',
      shown: 'shown',
    });
    const cwd = `${place}/work`;
    const program = `
      import * as fs from 'node:fs';
      const dir = process.cwd();
      fs.renameSync(dir + '/../bin2/some-tool.sh', dir + '/../bin2/some-tool');
      const options = { workdir: dir, changes: 'discard', ...${one.options} };
      let latest;
      const said = async () => {
        try {
          latest = await lib.run(options);
          return [latest.stdout, latest.report.argv.length, latest.report.notes.length, latest.report.sandbox.namespaces.length];
        } catch (error) {
          return [error.code];
        }
      };
      const all = [];
      for (let i = 0; i < 4; i++) all.push(await said());
      ${one.change};
      for (let i = 0; i < 3; i++) all.push(await said());
      console.log(JSON.stringify(all));`;
    const env = {
      PATH: `${place}/bin1:${place}/bin2:/usr/bin:/bin`,
      PWD: cwd,
      XDG_STATE_HOME: `${place}/state`,
    };
    const { out, err } = await runLibrary(program, { as, cwd, env });
    expect(err).toBe('');
    const all = JSON.parse(out) as unknown[][];
    const expected = (text: string) => text.replace('CWD', cwd);
    expect(all.map(([text]) => text)).toEqual([
      ...Array(4).fill(expected(one.before)),
      ...Array(3).fill(expected(one.after)),
    ]);
    // Nothing that a caller did to a report is in the next one.
    if (one.before === one.after) expect(all).toEqual(all.map(() => all[0]));
  });
});

describe.each(identities())('a file that a run leaves in its directories, as $label', (as) => {
  const spoils: Readonly<Record<string, string>> = {
    'a file': 'echo x > left',
    'a file in the home': 'echo x > ~/left',
    'another mode': 'chmod 700 . ; chmod 711 ~',
    'an attribute': `python3 -c 'import os
for at in (".", os.environ["HOME"]): os.setxattr(at, "user.left", b"x")'`,
    'a directory without rights': 'mkdir -p left/in && chmod 0 left',
    nothing: 'true',
  };

  test.each(Object.entries(spoils))('the next does not see: %s', async (_, spoil) => {
    const cwd = makeProject(as, { file: 'host' });
    const look = `ls -A . ~; stat -c '%a %u %g' . ~; cat file; python3 -c 'import os
print([os.listxattr(at) for at in (".", os.environ["HOME"])])'`;
    const program = `
      const seen = [];
      const state = process.env.XDG_STATE_HOME + '/wasbox/';
      const { readdirSync, existsSync } = process.getBuiltinModule('node:fs');
      const list = (name) => existsSync(state + name) ? readdirSync(state + name) : [];
      for (let turn = 0; turn < 3; turn++) {
        const { stdout } = await lib.run({ code: ${JSON.stringify(look)} });
        seen.push(stdout);
        const { exitCode, stderr } = await lib.run({ code: ${JSON.stringify(spoil)} });
        if (exitCode !== 0) throw new Error(stderr);
        // A layer is no spare until it is empty.
        while (!list('spare').every((name) => /^(kept|home)-/.test(name)) || list('runs').length > 0)
          await new Promise((resolve) => setTimeout(resolve, 5));
      }
      console.log(JSON.stringify([seen, list('spare').length > 0]));`;
    const { out, err } = await runLibrary(program, {
      as,
      cwd,
      env: { XDG_STATE_HOME: `${cwd}.state` },
    });
    expect(err).toBe('');
    const [seen, spare] = JSON.parse(out);
    // The control: layers are used again.
    expect(spare).toBe(true);
    expect(seen[0]).toContain('file');
    expect(seen).toEqual([seen[0], seen[0], seen[0]]);
  });
});
