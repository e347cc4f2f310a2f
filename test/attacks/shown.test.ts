/**
 * Attacks 44 and 46: what a run did, and a person is not shown. `diff` is held against what `apply`
 * leaves on the host; what is invisible is looked for in all that is printed.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { onTerminal } from '../support/terminal.js';
import { runProgram, runWasbox, wasboxArgv } from '../support/wasbox.js';

/** Characters by Unicode's properties, not by wasbox's list. */
const invisible =
  /[\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\u0085\u009b\u00a0]/u;
const hidden = '\u200b\u202e\ufe0f\u3164\u0085\u2028\ue000\u{e0041}\u2065\u2066\u00ad\u00a0';

const deploy = ['#!/bin/sh', 'set -e', 'cd /srv/app', 'backup', 'test -f done', 'rm -rf old', ''];
const reordered = [
  '#!/bin/sh',
  'set -e',
  'rm -rf old',
  'backup',
  'test -f done',
  'cd /srv/app',
  '',
];

describe.each(identities())('the review that a person is shown, as $label', (as) => {
  async function changed(files: Parameters<typeof makeProject>[1], script: string) {
    const cwd = makeProject(as, files);
    const env = { XDG_STATE_HOME: makeProject(as, {}, 'state'), PAGER: 'cat', TERM: 'xterm' };
    const run = await runWasbox(['run', '-q', '--', 'sh', '-ec', script], { as, cwd, env });
    expect(run.err).toBe('');
    const diff = (...args: string[]) => runWasbox(['diff', ...args], { as, cwd, env });
    return { cwd, env, diff };
  }

  test.each([
    ['beside', 'deploy.sh', 'release.sh', 'cat > release.sh; rm deploy.sh'],
    [
      'in a directory that moved',
      'ops/deploy.sh',
      'tools/deploy.sh',
      'mv ops tools; cat > tools/deploy.sh',
    ],
  ])('lines in another order are shown, %s (44)', async (_where, old, now, script) => {
    const files = { [old]: deploy.join('\n'), 'ops/readme': 'unchanged\n' };
    const { cwd, env, diff } = await changed(
      files,
      `(${script}) <<'END'\n${reordered.join('\n')}END`,
    );
    const { out } = await diff();
    expect(out).toContain(`rename from ${old}\nrename to ${now}\n`);
    expect(out).not.toMatch(/similarity index 100%/);
    expect(out).toMatch(/^\+rm -rf old$/m);
    expect(out).toMatch(/^-cd \/srv\/app$/m);
    // Control: that is what comes, and a file that is the same is said to be.
    expect((await runWasbox(['apply'], { as, cwd, env })).status).toBe(0);
    expect(fs.readFileSync(join(cwd, now), 'utf8')).toBe(reordered.join('\n'));
    const same = await changed({ 'a.sh': deploy.join('\n') }, 'mv a.sh b.sh');
    expect((await same.diff()).out).toContain('similarity index 100%');
  });

  test('a byte that is not text hides no line (46)', async () => {
    const { diff } = await changed(
      {
        Makefile: 'all:\n\techo one\n',
        tool: Buffer.of(0x7f, 0x45, 0, 1, 2, 3),
        'run.sh': '#!/bin/sh\necho one\n',
        'note.txt': 'one\n',
        'nul.sh': '#!/bin/sh\necho one\n',
      },
      String.raw`printf '#!/bin/sh\necho two # \377\n' > run.sh; printf 'two \303\n' > note.txt
        printf '#!/bin/sh\nevil\n\0' > nul.sh; printf 'a\0b' > data; printf 'all:\n\techo two\0\n' > Makefile
        echo 'echo script' > tool`,
    );
    const { out } = await diff();
    expect(out).toContain('# run.sh: 1 byte that is not UTF-8 escaped as <FF>\n');
    expect(out).toContain('-echo one\n+echo two # <FF>\n');
    expect(out).toContain('-one\n+two <C3>\n');
    expect(out).toContain('+evil\n+<00>\n');
    expect(out).toContain('-\techo one\n+\techo two<00>\n');
    expect(out).toContain('+echo script\n');
    // Control: what is not text is distinguished by its hash.
    expect(out.match(/^Binary files .*$/gm)).toEqual(['Binary files /dev/null and b/data differ']);
    expect(out).toMatch(/^# data: binary: none -> 3 bytes, sha256 [0-9a-f]{64}$/m);
  });

  test('nothing invisible is printed raw, and it is counted (46)', async () => {
    const name = `na${hidden}me`;
    const { cwd, env, diff } = await changed(
      {},
      `printf '%s\\n' 'if admin${hidden}:' > check.py; printf x > '${name}'; ln -s 'to${hidden}' link`,
    );
    const count = [...hidden].length;
    for (const args of [[], ['--stat'], ['--name-only'], ['--json']]) {
      const { out } = await diff(...args);
      expect(out, args.join(' ')).not.toMatch(invisible);
      const seen = await onTerminal(wasboxArgv(as, ['diff', ...args]), { as, cwd, env });
      expect(seen.output, args.join(' ')).not.toMatch(invisible);
    }
    const { out } = await diff();
    expect(out).toContain(
      `# check.py: ${count} invisible characters escaped as <U+200B>, <U+202E>`,
    );
    expect(out).toContain(`# link: ${count} invisible characters escaped as `);
    expect(out).toContain(
      '+if admin<U+200B><U+202E><U+FE0F><U+3164><U+0085><U+2028><U+E000><U+E0041>',
    );
    // Control: the bytes are there, in what is for git alone and on the host.
    const patch = await diff('--patch');
    expect(patch.out).toContain(`+if admin${hidden}:\n`);
    expect(patch.out).toContain(
      `# check.py: ${count} invisible characters not escaped here: <U+200B>`,
    );
    // The name can be given as it is shown.
    const shown = /^diff --git .* "b\/(na.*)"$/m.exec(out)?.[1];
    const applied = await runWasbox(['apply', `"${shown}"`], { as, cwd, env });
    expect([applied.status, applied.out.match(invisible)]).toEqual([0, null]);
    expect(fs.readdirSync(cwd)).toEqual([name]);
  });

  test('nothing invisible is printed raw in a report, its page, its JSON or an error (46)', async () => {
    const cwd = makeProject(as, {});
    const state = makeProject(as, {}, 'state');
    const env = { XDG_STATE_HOME: state };
    const script = `cat '/home/x${hidden}/f'; getent hosts 'a${hidden}.example.org'; : > 'n${hidden}'; exit 0`;
    const options = [
      '--audit',
      '-v',
      '--report',
      join(state, 'r.json'),
      '--html',
      join(state, 'r.html'),
    ];
    const argv = ['sh', '-c', script, `arg${hidden}`];
    const run = await runWasbox(['run', ...options, '--', ...argv], { as, cwd, env });
    const json = fs.readFileSync(join(state, 'r.json'), 'utf8');
    const page = fs.readFileSync(join(state, 'r.html'), 'utf8');
    const own = run.err.split('\n').filter((line) => line.startsWith('wasbox:'));
    expect(own.join('\n')).toContain('\\xe2\\x80\\x8b');
    for (const text of [own.join('\n'), json, page]) expect(text).not.toMatch(invisible);
    for (const text of [own.at(-1), page]) {
      expect(text).toMatch(/\d+ invisible characters in these lines are escaped/);
    }
    expect(JSON.parse(json).argv).toEqual(argv);
    for (const args of [
      ['runs'],
      ['runs', '--json'],
      ['diff', `x${hidden}`],
      ['run', `no${hidden}`],
    ]) {
      const { out, err } = await runWasbox(args, { as, cwd, env });
      expect(out + err, args[0]).toMatch(/U\+200B|u200b/);
      expect(out + err, args[0]).not.toMatch(invisible);
    }
  });

  test('a patch has what apply does, and no more (44)', async () => {
    const { cwd, env, diff } = await changed(
      { 'a.txt': 'one\n', '.git/HEAD': 'ref: refs/heads/main\n', 'd/in': 'x\n' },
      `echo evil > .envrc; mkdir -p .git/hooks; echo evil > .git/hooks/pre-commit; echo x > .git/description
       echo two > a.txt; ln -s /etc/passwd out; mkdir empty; printf 'a\\0b' > bin; chmod 600 bin; mv d e`,
    );
    const { stdout: patch, out } = await diff('--patch');
    expect(out).toMatch(
      /^# \.envrc: not in this patch: Not applied automatically: .*\n#\| # \.envrc: /m,
    );
    expect(out).toContain('\n#| +evil\n');
    const copy = makeProject(as, { 'a.txt': 'one\n', 'd/in': 'x\n' }, 'copy');
    const git = await runProgram(['git', 'apply', '-'], { as, cwd: copy, stdin: patch });
    expect([git.status, git.err]).toEqual([0, '']);
    expect(fs.readdirSync(copy).sort()).toEqual(['a.txt', 'bin', 'e']);
    expect(fs.readFileSync(join(copy, 'bin'), 'latin1')).toBe('a\0b');
    expect(out).toContain('# bin: mode 0600\n');
    expect(out).toContain('# empty: directory added\n');
    // A path that is named is in it, as it is in what apply does.
    const named = await diff('--patch', '.envrc');
    expect(named.out).toContain('\n+evil\n');
    // It is not text for a terminal.
    const seen = await onTerminal(wasboxArgv(as, ['diff', '--patch']), { as, cwd, env });
    expect([seen.exit, seen.output.includes('--patch does not escape its output')]).toEqual([
      2,
      true,
    ]);
    const both = await diff('--patch', '--stat');
    expect([both.status, both.err]).toEqual([
      2,
      expect.stringContaining('--patch or --stat, not both'),
    ]);
  });

  test('a patch is for one tree (44)', async () => {
    const cwd = makeProject(as, { a: 'one\n' });
    const other = makeProject(as, { b: 'one\n' }, 'other');
    const env = { XDG_STATE_HOME: makeProject(as, {}, 'state') };
    const script = `echo two > a; echo two > ${other}/b`;
    await runWasbox(['run', '-q', '--cow', other, '--', 'sh', '-ec', script], { as, cwd, env });
    const both = await runWasbox(['diff', '--patch'], { as, cwd, env });
    expect([both.status, both.out]).toEqual([2, '']);
    expect(both.err).toContain(`Choose one of them: ${cwd} ${other}`);
    const one = await runWasbox(['diff', '--patch', other], { as, cwd, env });
    const git = await runProgram(['git', 'apply', '-'], { as, cwd: other, stdin: one.stdout });
    expect([git.status, git.err]).toEqual([0, '']);
    expect(fs.readFileSync(join(other, 'b'), 'utf8')).toBe('two\n');
  });

  test('a git index says which paths it hides (44)', async () => {
    const git =
      'git init -q; git config user.email a@b; git config user.name n; git add .; git commit -qm x';
    const cwd = makeProject(as, { 'src/a.c': 'one\n', b: 'two\n' });
    const env = { XDG_STATE_HOME: makeProject(as, {}, 'state') };
    expect((await runProgram(['sh', '-ec', git], { as, cwd })).status).toBe(0);
    const script = `git update-index --skip-worktree src/a.c; git update-index --assume-unchanged b; echo evil > src/a.c`;
    await runWasbox(['run', '-q', '--', 'sh', '-ec', script], { as, cwd, env });
    const { out } = await runWasbox(['diff'], { as, cwd, env });
    expect(out).toContain('# .git/index: hides changes to b from git (assume-unchanged)\n');
    expect(out).toContain('# .git/index: hides changes to src/a.c from git (skip-worktree)\n');
    const stat = await runWasbox(['diff', '--stat'], { as, cwd, env });
    expect(stat.out).toContain('hides changes to src/a.c from git');
    // Control: it does, once it is applied.
    await runWasbox(['apply', '.git/index', 'src/a.c'], { as, cwd, env });
    const status = await runProgram(['git', 'status', '--short'], { as, cwd });
    expect(status.out).toBe('');
    expect(fs.readFileSync(join(cwd, 'src/a.c'), 'utf8')).toBe('evil\n');
  });
});
