/**
 * Programs that change many files in their own ways: done inside and applied, the tree equals the
 * same done outside, at the same path, from the same beginning.
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { listTree } from '../../support/host.js';
import { identities } from '../../support/identity.js';
import { makeProject, writeFiles } from '../../support/project.js';
import { runProgram, runWasbox } from '../../support/wasbox.js';

const sedFiles = Number(process.env.WASBOX_SED_FILES ?? 1000);

interface Scenario {
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  /** Done on the host before either. */
  readonly prepare?: string;
  readonly script: string;
  /** Files whose content tells when or where they were made. */
  readonly varies?: RegExp;
}

/** A wheel made by hand: a zip file with the metadata that PEP 427 asks for. */
function wheel(directory: string): Uint8Array {
  const path = join(directory, 'tiny_pkg-1.0-py3-none-any.whl');
  const script = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as z:
    def add(name, text): z.writestr(zipfile.ZipInfo(name), text)
    add("tiny_pkg/__init__.py", "def main(): print('tiny')\\n")
    add("tiny_pkg/data.txt", "data\\n" * 1000)
    add("tiny_pkg-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: tiny-pkg\\nVersion: 1.0\\n")
    add("tiny_pkg-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    add("tiny_pkg-1.0.dist-info/entry_points.txt", "[console_scripts]\\ntiny = tiny_pkg:main\\n")
    add("tiny_pkg-1.0.dist-info/RECORD", "")
`;
  execFileSync('python3', ['-c', script, path]);
  return fs.readFileSync(path);
}

const scenarios: Readonly<Record<string, (scratch: string) => Scenario>> = {
  'npm install of a tarball': () => ({
    files: {
      'pkg/package.json': JSON.stringify({
        name: 'tiny',
        version: '1.0.0',
        bin: { tiny: 'cli.js' },
      }),
      'pkg/cli.js': '#!/usr/bin/env node\nconsole.log("tiny");\n',
      'pkg/lib/deep/a.js': 'module.exports = 1;\n',
      'package.json': JSON.stringify({ name: 'app', version: '1.0.0', private: true }),
    },
    prepare: 'npm pack --silent --cache ./.npm-cache ./pkg >/dev/null && rm -rf .npm-cache',
    script:
      'npm install --silent --offline --no-audit --no-fund --cache "$HOME/.npm" ./tiny-1.0.0.tgz && node_modules/.bin/tiny',
  }),
  'pip install of a wheel into a virtual environment': (scratch) => ({
    files: { 'tiny_pkg-1.0-py3-none-any.whl': wheel(scratch) },
    script:
      '/usr/bin/python3 -m venv v && v/bin/pip install -q --no-cache-dir --no-index ./tiny_pkg-1.0-py3-none-any.whl && v/bin/tiny',
    // Compiled modules hold the time of their source; RECORD their hash.
    varies: /\.pyc$|\/RECORD$/,
  }),
  'make install DESTDIR': () => ({
    files: {
      Makefile:
        'prefix = /usr/local\nall: tool\ntool: tool.c\n\tcc -o tool tool.c\ninstall: all\n\tinstall -d $(DESTDIR)$(prefix)/bin $(DESTDIR)$(prefix)/share/man/man1\n\tinstall -m 755 tool $(DESTDIR)$(prefix)/bin/tool\n\tinstall -m 640 tool.1 $(DESTDIR)$(prefix)/share/man/man1\n\tln -sf tool $(DESTDIR)$(prefix)/bin/alias\n',
      'tool.c': 'int main(void) { return 0; }\n',
      'tool.1': '.TH TOOL 1\n',
    },
    script: 'make -s install DESTDIR="$PWD/root" && root/usr/local/bin/alias',
  }),
  'git commit': () => ({
    files: { 'f.txt': 'one\n', 'd/g.txt': 'g\n' },
    prepare:
      'git init -q && git config user.email a@b && git config user.name n && git add . && GIT_AUTHOR_DATE=@1000000000 GIT_COMMITTER_DATE=@1000000000 git commit -qm one',
    script:
      'export GIT_AUTHOR_DATE="2001-01-01 00:00 +0000" GIT_COMMITTER_DATE="2001-01-01 00:00 +0000"; echo two >> f.txt; git mv d/g.txt d/h.txt; git commit -qam two; git tag v2; git branch side; git gc -q',
    // The index holds inode numbers and times.
    varies: /^\.git\/(index|COMMIT_EDITMSG|logs\/)/,
  }),
  [`sed -i over ${sedFiles} files`]: () => ({
    files: Object.fromEntries(
      Array.from({ length: sedFiles }, (_, n) => [
        `d${n % 20}/f${n}.txt`,
        `file ${n}\nfoo bar\n`.repeat(5),
      ]),
    ),
    script: 'find . -name "*.txt" | xargs sed -i s/foo/FOO/',
  }),
};

describe.each(identities())('programs, as $label', (as) => {
  test.each(Object.entries(scenarios))('%s', { timeout: 900_000 }, async (_name, make) => {
    const base = makeProject(as, { 'state/': '' });
    const scenario = make(base);
    const cwd = join(base, 'work');
    const env = { XDG_STATE_HOME: join(base, 'state') };
    const start = async (): Promise<void> => {
      writeFiles(as, cwd, scenario.files);
      if (scenario.prepare === undefined) return;
      const made = await runProgram(['sh', '-ec', scenario.prepare], { as, cwd });
      expect([made.status, made.err]).toEqual([0, made.err]);
    };
    const look = () =>
      listTree(cwd).map((entry) =>
        scenario.varies?.test(entry.path) === true ? { ...entry, content: 'varies' } : entry,
      );
    const options = { as, cwd, env, timeoutMs: 600_000 };
    await start();
    const before = listTree(cwd);
    const inside = await runWasbox(['run', '-q', '--', 'sh', '-ec', scenario.script], options);
    expect(inside.status, inside.err).toBe(0);
    expect(listTree(cwd)).toEqual(before);
    // Each is applied by name, since root holds back links to the system, as a virtual environment has them.
    const apply = await runWasbox(['apply'], options);
    if (apply.status !== 0) {
      const left = (await runWasbox(['diff', '--name-only'], options)).out.trim().split('\n');
      expect((await runWasbox(['apply', ...left], options)).err).not.toContain('not applied');
    }
    const applied = look();
    fs.renameSync(cwd, join(base, 'applied'));
    await start();
    const outside = await runProgram(['sh', '-ec', scenario.script], options);
    expect(outside.status, outside.err).toBe(0);
    expect(applied).toEqual(look());
    expect(outside.out).toBe(inside.out);
    // Control: the script did change something.
    expect(
      applied.length !== before.length || JSON.stringify(applied) !== JSON.stringify(before),
    ).toBe(true);
  });
});
