/** `diff` and `apply` where a person looks: pager, colours, questions, and no escape sequence (33). */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { identities } from '../../support/identity.js';
import { makeProject } from '../../support/project.js';
import { onTerminal } from '../../support/terminal.js';
import { runWasbox, wasboxArgv } from '../../support/wasbox.js';

const evil = String.raw`printf '\033]0;owned\007\033[2J' > text; touch "$(printf 'na\033[31mme')"; `;

describe.each(identities())('on a terminal, as $label', (as) => {
  async function setUp(script: string) {
    const cwd = makeProject(as, { keep: 'k\n', gone: 'g\n', 'd/in': 'i\n', 'd/two': 't\n' });
    const env = { XDG_STATE_HOME: makeProject(as, {}, 'state'), TERM: 'xterm' };
    await runWasbox(['run', '-q', '--', 'sh', '-ec', script], { as, cwd, env });
    const shown = (args: string[], more = {}, typed: Parameters<typeof onTerminal>[2] = []) =>
      onTerminal(wasboxArgv(as, args), { as, cwd, env: { ...env, ...more } }, typed);
    return { cwd, env, shown };
  }

  test('a diff goes through the pager, with colours', async () => {
    const { shown } = await setUp('echo more >> keep');
    const paged = await shown(['diff'], { PAGER: "sed 's/^/paged:/'" });
    expect(paged.exit).toBe(0);
    expect(paged.output).toMatch(/paged:.*\x1b\[32m\+more/);
    const first = await shown(['diff'], { GIT_PAGER: 'cat', PAGER: 'false' });
    expect(first.output).toContain('\x1b[32m+more');
    const plain = await shown(['diff'], { PAGER: 'cat', NO_COLOR: '1' });
    expect(plain.output).toContain('\r\n+more');
    expect(plain.output).not.toContain('\x1b');
    // A pager that is not there is no reason to show nothing; nor one that ends early to fail.
    expect((await shown(['diff'], { PAGER: 'no-such-pager' })).output).toContain('+more');
    expect((await shown(['diff'], { PAGER: 'true' })).exit).toBe(0);
    expect((await shown(['diff', '--no-pager'], { PAGER: 'false' })).output).toContain('+more');
  });

  test('nothing of the run reaches the terminal unescaped', async () => {
    const { cwd, env, shown } = await setUp(`${evil} cp text keep`);
    for (const args of [
      ['diff'],
      ['diff', '--stat'],
      ['diff', '--name-only'],
      ['diff', '--json'],
    ]) {
      const { output } = await shown(args, { PAGER: 'cat' });
      // The colours that remain are wasbox's own.
      expect(output.replaceAll(/\x1b\[\d+m/g, ''), args.join(' ')).not.toMatch(/[\x1b\x07]/);
      expect(output, args.join(' ')).not.toContain('\x1b[31mme');
    }
    const asked = await shown(['apply', '-i'], {}, [
      { after: 'p,?]? ', type: 'p\\n' },
      { after: '<1B>]0;owned', type: 'q\\n' },
    ]);
    expect(asked.output).toContain('<1B>]0;owned');
    expect(asked.output.replaceAll(/\x1b\[\d+m/g, '')).not.toMatch(/[\x1b\x07]/);
    // Control: the names and the content do hold it.
    expect((await runWasbox(['apply'], { as, cwd, env })).status).toBe(0);
    expect(fs.readdirSync(cwd)).toContain('na\x1b[31mme');
    expect(fs.readFileSync(join(cwd, 'keep'), 'latin1')).toContain('\x1b]0;');
  });

  test('apply -i applies what the user chose, and nothing else', async () => {
    const { cwd, env, shown } = await setUp(
      'echo more >> keep; rm gone; rm -r d; echo x > .envrc; mkdir n; echo n > n/n; echo m > n/m',
    );
    const answers = [
      ['.envrc', 'n'],
      ['d/  2 changes', 's'],
      ['d/in', 'y'],
      ['d/two', 'y'],
      ['gone', 'n'],
      ['keep', '?\\ny'],
      ['n/  2 changes', 's'],
      ['n/m', 'n'],
      ['n/n', 'y'],
    ];
    const typed = answers.map(([path, type]) => ({ after: ` ${path}`, type: `${type}\\n` }));
    const run = await shown(['apply', '-i'], {}, typed);
    expect(run.output).toContain('[1/7] ');
    expect(run.output).toContain('[2-3/7] ');
    expect(run.output).toContain('[7/7] ');
    expect(run.output).toContain('not applied automatically');
    for (const words of ['y - apply this change', 'q - quit; do not apply', 'p - print']) {
      expect(run.output).toContain(words);
    }
    // The diff comes before the question, unasked.
    expect(run.output.replaceAll(/\x1b\[\d*m/g, '')).toMatch(
      /\+more\r?\n\s*Apply this change \[y,n,q,a,d,p,\?\]\? /,
    );
    expect(fs.readdirSync(cwd).sort()).toEqual(['gone', 'keep', 'n']);
    expect(fs.readdirSync(join(cwd, 'n'))).toEqual(['n']);
    expect(fs.readFileSync(join(cwd, 'keep'), 'utf8')).toBe('k\nmore\n');
    // "a" is for all that is left and applied automatically.
    const rest = await shown(['apply', '-i'], {}, [
      { after: ' .envrc', type: 'n\\n' },
      { after: ' gone', type: 'a\\n' },
    ]);
    expect(rest.exit).toBe(0);
    expect(fs.readdirSync(cwd).sort()).toEqual(['keep', 'n']);
    expect(fs.existsSync(join(cwd, 'n/m'))).toBe(true);
    const named = await shown(['apply', '-i'], {}, [{ after: ' .envrc', type: 'y\\n' }]);
    expect(named.exit).toBe(0);
    expect(fs.existsSync(join(cwd, '.envrc'))).toBe(true);
    // A directory is applied or left as a whole; what must be named stays.
    await runWasbox(
      ['run', '-q', '-c', 'mkdir -p w/v s; touch w/1 w/v/2 w/v/3 w/.envrc s/1 s/2 z'],
      { as, cwd, env },
    );
    const whole = await shown(['apply', '-i'], {}, [
      { after: 's/  2 changes', type: 'n\\n' },
      { after: 'w/  4 changes', type: 'p\\ny\\n' },
      { after: '[7/7] ', type: 'q\\n' },
    ]);
    expect(whole.output).toContain('w/v/3');
    expect(whole.output).toContain('not applied automatically: w/.envrc');
    expect(fs.existsSync(join(cwd, 's'))).toBe(false);
    expect(fs.readdirSync(join(cwd, 'w')).sort()).toEqual(['1', 'v']);
    expect(fs.readdirSync(join(cwd, 'w/v')).sort()).toEqual(['2', '3']);
    expect(fs.existsSync(join(cwd, 'z'))).toBe(false);
    await runWasbox(['discard'], { as, cwd, env });
    // Without a terminal, there is no one to ask.
    await runWasbox(['run', '-q', '--', 'touch', 'y'], { as, cwd, env });
    const silent = await runWasbox(['apply', '-i'], { as, cwd, env });
    expect([silent.status, silent.err.includes('needs a terminal')]).toEqual([2, true]);
    expect(fs.existsSync(join(cwd, 'y'))).toBe(false);
  });

  test('apply -i tells of a directory what it deletes and marks, and asks before it deletes most of it', async () => {
    const { cwd, env, shown } = await setUp('mkdir w; cd w; touch a b Makefile; chmod +x b');
    await runWasbox(['apply'], { as, cwd, env });
    await runWasbox(
      ['run', '--apply', '-q', '-c', 'cd w; for n in $(seq 30); do echo $n > many-$n; done'],
      { as, cwd, env },
    );
    await runWasbox(['run', '-q', '-c', 'rm w/many-*; echo x > w/Makefile; echo x > w/new'], {
      as,
      cwd,
      env,
    });
    const no = await shown(['apply', '-i'], {}, [
      { after: 'w/  32 changes, 30 of them deletions', type: 'y\\n' },
      { after: '[y/N]? ', type: 'n\\n' },
    ]);
    expect(no.output).toMatch(/modified w\/Makefile {2}# .*\r?\n.*Apply the changes in this/s);
    expect(no.output).toContain('delete 30 of the ');
    expect(fs.readdirSync(join(cwd, 'w')).length).toBe(34);
    expect(fs.readFileSync(join(cwd, 'w/new'), 'utf8')).toBe('x\n');
    // Control: with a yes to both, they are deleted.
    await shown(['apply', '-i'], {}, [
      { after: 'w/  30 changes, 30 of them deletions', type: 'y\\n' },
      { after: '[y/N]? ', type: 'y\\n' },
    ]);
    expect(fs.readdirSync(join(cwd, 'w')).sort()).toEqual(['Makefile', 'a', 'b', 'new']);
  });

  test('apply -i asks about a directory that replaces a file or is writable by everyone', async () => {
    const { cwd, shown } = await setUp(
      'rm keep; mkdir keep; echo k > keep/k; mkdir open; chmod 777 open; echo o > open/o; mkdir n; echo n > n/n',
    );
    const no = await shown(['apply', '-i'], {}, [
      { after: 'type     keep', type: 'n\\n' },
      { after: 'added    n/n', type: 'y\\n' },
      { after: 'added    open  # writable by everyone', type: 'n\\n' },
    ]);
    // There is no question about what is in a directory that is not made.
    expect(no.output).not.toMatch(/added +(keep\/k|open\/o)/);
    expect(fs.readdirSync(cwd).sort()).toEqual(['d', 'gone', 'keep', 'n']);
    expect(fs.readFileSync(join(cwd, 'keep'), 'utf8')).toBe('k\n');
    // Control: with a yes, both come.
    await shown(['apply', '-i'], {}, [
      { after: 'type     keep', type: 'y\\n' },
      { after: 'added    keep/k', type: 'p\\ny\\n' },
      { after: 'added    open  # writable by everyone', type: 'y\\n' },
      { after: 'added    open/o', type: 'y\\n' },
    ]);
    expect(fs.readFileSync(join(cwd, 'keep/k'), 'utf8')).toBe('k\n');
    expect(fs.statSync(join(cwd, 'open')).mode & 0o777).toBe(0o777);
  });
});
