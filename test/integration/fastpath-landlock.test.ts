/**
 * Runs with Landlock isolation are repeated by the native command: without Node, with the same checks, changes
 * and words as the first one, and nothing of one run comes into the next.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { closedArgv } from '../support/closed.js';
import { makeFastpath, plain } from '../support/fastpath.js';
import { eventually } from '../support/host.js';
import { ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runProgram } from '../support/wasbox.js';

const as = ordinaryUser();
const landlock = ['run', '--isolation', 'landlock'];
const said = /isolated by Landlock, without namespaces/;

/** A start that was recorded, and how to make it again. */
async function recorded(files: Readonly<Record<string, string>>, words: readonly string[]) {
  const cwd = makeProject(as, files);
  const fastpath = makeFastpath(as);
  const run = (more: readonly string[] = []) =>
    fastpath.run([...landlock, ...words, ...more], { cwd });
  const first = await run();
  expect(first.nodes).toBe(1);
  return { cwd, fastpath, run, first };
}

describe('a repeated run with Landlock isolation', () => {
  test('needs no Node and says the same', async () => {
    const show = `#!/bin/sh\necho "$(cat a)" "\${PWD##*/}" "\${HOME##*/}" "\${TMPDIR##*/}"; ls -A; ls -A ~ | wc -l\n`;
    const { run, first, fastpath } = await recorded({ a: 'A', 'it.sh': show }, ['it.sh']);
    expect(first.err).toMatch(said);
    const again = await run();
    expect([again.nodes, ...plain(again)]).toEqual([0, ...plain(first)]);
    expect(again.out).toContain('A copy0 home tmp\n');
    await fastpath.settled();
    expect(fs.readdirSync(join(fastpath.state, 'spare'))).toEqual(['live-0']);
  });

  test('is isolated as the first', async () => {
    const tries = `import os, socket, sys
for what in (f"open({sys.argv[1]!r})", "open('/etc/hostname', 'a')", "os.listdir('/home')",
             "os.kill(os.getppid(), 0)", "socket.socket(socket.AF_INET).connect(('127.0.0.1', 1))"):
    try:
        eval(what)
        print('done')
    except OSError as error:
        print(error.errno)
`;
    const { cwd, run, fastpath } = await recorded({ 'it.py': tries }, [
      ...['--', 'python3', 'it.py'],
      '/dev/null',
    ]);
    const other = makeProject(as, { secret: 's' });
    const again = (path: string) =>
      fastpath.run([...landlock, '--', 'python3', 'it.py', path], { cwd });
    // The control: what is granted is seen to succeed.
    expect((await run()).out).toBe('done\n13\n13\n1\n1\n');
    const refused = await again(join(other, 'secret'));
    expect([refused.nodes, refused.out]).toEqual([1, '13\n13\n13\n1\n1\n']);
  });

  test('works on the files as they are by then, and leaves out what is hidden', async () => {
    const words = ['--hide', 'key', '--', 'sh', '-c', 'cat text; ls -A'];
    const { cwd, run, first } = await recorded({ text: 'one\n', key: 'k', 'd/e': '' }, words);
    expect(first.out).toBe('one\nd\ntext\n');
    fs.writeFileSync(join(cwd, 'text'), 'two\n');
    fs.writeFileSync(join(cwd, 'more'), '');
    fs.rmSync(join(cwd, 'd'), { recursive: true });
    const again = await run();
    expect([again.nodes, again.out]).toEqual([0, 'two\nmore\ntext\n']);
    // The file is whole also where the name that is hidden is given to another file.
    expect(fs.readFileSync(join(cwd, 'key'), 'utf8')).toBe('k');
  });

  test('saves what it changes, of the directory and of the home', async () => {
    const change =
      'echo new > added; rm gone; chmod 600 text; mkdir -p d; echo h > ~/.kept; echo t > $TMPDIR/t';
    const { cwd, fastpath, run, first } = await recorded({ text: 't', gone: 'g' }, [
      '--',
      'sh',
      '-c',
      change,
    ]);
    expect(first.err).toMatch(/\d files? .*not applied/);
    const saved = () => fs.readdirSync(join(fastpath.state, 'saved')).sort();
    const before = saved();
    const again = await run();
    expect(plain(again)).toEqual(plain(first));
    const [id = ''] = saved().filter((one) => !before.includes(one));
    const layer = join(fastpath.state, 'saved', id);
    expect(fs.readFileSync(join(layer, 'layers/0/upper/added'), 'utf8')).toBe('new\n');
    expect(fs.readFileSync(join(layer, 'trees/1/layers/0/upper/.kept'), 'utf8')).toBe('h\n');
    expect(fs.readdirSync(layer)).not.toContain('live');
    expect(fs.readdirSync(cwd).sort()).toEqual(['gone', 'text']);
    const applied = await fastpath.run(['apply', id], { cwd });
    expect(fs.readdirSync(cwd).sort(), applied.err).toEqual(['added', 'd', 'text']);
  });

  test('takes other arguments, and leads paths into the directory to the copy', async () => {
    const script = '#!/bin/sh\nfor word; do echo "$word"; done; cat "$1"\n';
    const { cwd, run } = await recorded({ 'it.sh': script, text: 'T\n' }, ['it.sh']);
    const path = join(cwd, 'text');
    const again = await run([
      path,
      `${cwd}x`,
      '/run/wasbox/a',
      '/usr',
      cwd,
      'plain',
      `--in=${path}`,
    ]);
    expect([again.nodes, again.status], again.err).toEqual([0, 0]);
    const lines = again.out.split('\n');
    const live = lines[0]?.replace(/\/copy0\/text$/, '') ?? '';
    expect(live).toMatch(/\/runs\/0\w{8}\/live$/);
    expect(lines).toEqual([
      ...[`${live}/copy0/text`, `${cwd}x`, `${live}/run/a`, '/usr', `${live}/copy0`, 'plain'],
      ...[`--in=${path}`, 'T', ''],
    ]);
  });

  test('gives nothing of one run to the next', async () => {
    const { run, fastpath } = await recorded({}, [
      ...[
        '--',
        'sh',
        '-c',
        'for at in . ~ $TMPDIR $XDG_RUNTIME_DIR; do ls -A $at; done; echo x > $TMPDIR/t; chmod 0 $TMPDIR/t $TMPDIR',
      ],
    ]);
    expect((await run()).out).toBe('');
    await fastpath.settled();
    const spare = join(fastpath.state, 'spare/live-0/live.new');
    expect(
      ['copy0', 'home', 'run', 'tmp'].flatMap((name) => fs.readdirSync(join(spare, name))),
    ).toEqual([]);
    for (let round = 0; round < 2; round++) {
      const again = await run();
      expect([again.nodes, again.status, again.out]).toEqual([0, 0, '']);
      await fastpath.settled();
    }
  });

  test('says why a copy cannot be made any more', async () => {
    const { cwd, run } = await recorded({ small: 's' }, ['--disk', '1M', '--', 'true']);
    expect((await run()).nodes).toBe(0);
    fs.writeFileSync(join(cwd, 'large'), Buffer.alloc(2 << 20, 1));
    const refused = await run();
    expect([refused.nodes, refused.status]).toEqual([1, 125]);
    expect(refused.err).toContain('larger than the limit on disk space');
    fs.rmSync(join(cwd, 'large'));
    expect([(await run()).status, (await run()).nodes]).toEqual([0, 0]);
  });

  test('is recovered if wasbox is killed', async () => {
    const { cwd, run, fastpath } = await recorded({ old: 'o' }, [
      ...['--', 'sh', '-c', 'rm old; echo new > new; [ "$1" != wait ] || sleep 60', 'sh'],
    ]);
    const killed = run(['wait']);
    const runs = join(fastpath.state, 'runs');
    const live = () => fs.readdirSync(runs).map((id) => join(runs, id, 'live/copy0/new'));
    await eventually(() => live().some(fs.existsSync));
    const [id = ''] = fs.readdirSync(runs);
    const init = Number(fs.readFileSync(join(runs, id, 'lock'), 'utf8'));
    const [, parent = ''] =
      /^PPid:\s*(\d+)/m.exec(fs.readFileSync(`/proc/${init}/status`, 'utf8')) ?? [];
    process.kill(Number(parent), 'SIGKILL');
    expect((await killed).signal ?? (await killed).status).not.toBe(0);
    const diff = await fastpath.run(['diff', id, '--name-only'], { cwd });
    expect(diff.out.split('\n').sort()).toEqual(['', 'new', 'old']);
    expect(fs.existsSync(join(fastpath.state, 'saved', id, 'live'))).toBe(false);
  });

  test('is repeated where namespaces are not to be had, and not where they come to be', async () => {
    const cwd = makeProject(as, { 'it.sh': '#!/bin/sh\necho $((1 + 1))\n' });
    const fastpath = makeFastpath(as);
    const [filter = ''] = closedArgv(as, cwd, []);
    const env = { ...fastpath.env, PWD: cwd };
    const closed = () =>
      runProgram([filter, fastpath.executable, 'run', 'it.sh'], { as, cwd, env });
    const marks = () => fs.readFileSync(fastpath.marks, 'utf8').length;
    const first = await closed();
    expect([first.status, first.out], first.err).toEqual([0, '2\n']);
    expect(first.err).toMatch(said);
    const nodes = marks();
    const again = await closed();
    expect([marks() - nodes, ...plain(again)]).toEqual([0, ...plain(first)]);
    // The words are the same outside of the filter: its answer is another one.
    const open = await fastpath.run(['run', 'it.sh'], { cwd });
    expect([open.out, open.err, open.nodes]).toEqual(['2\n', '', 1]);
  });
});
