/** Hard cases by what is in the tree: owners, names, special files, many files, what is still open. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { treeDigest } from '../../support/host.js';
import { identities } from '../../support/identity.js';
import { needs } from '../../support/needs.js';
import { makeProject } from '../../support/project.js';
import { runProgram, runWasbox } from '../../support/wasbox.js';

const manyFiles = Number(process.env.WASBOX_FILES ?? 1500);

describe.each(identities())('trees, as $label', (as) => {
  function setUp(files: Parameters<typeof makeProject>[1] = {}) {
    const cwd = makeProject(as, files);
    const env = { XDG_STATE_HOME: makeProject(as, {}, 'state') };
    const wasbox = (...args: string[]) => runWasbox(args, { as, cwd, env, timeoutMs: 1_200_000 });
    const python = (...lines: string[]) =>
      wasbox('run', '-q', '--lang', 'python', '-c', lines.join('\n'));
    return { cwd, env, wasbox, python };
  }

  needs('root').test('files of owners that are not mapped', async () => {
    const { cwd, wasbox, python } = setUp({ foreign: 'f\n', gone: 'g\n', own: 'o\n' });
    for (const name of ['foreign', 'gone']) {
      fs.chownSync(join(cwd, name), 70_000, 70_000);
      fs.chmodSync(join(cwd, name), 0o666);
    }
    const before = treeDigest(cwd);
    const run = await python(
      'import errno, os',
      'print(open("foreign").read(), end="")',
      'try: open("foreign", "a").write("x")',
      'except OSError as e: print(errno.errorcode[e.errno])',
      'try: os.unlink("gone")',
      'except OSError as e: print(errno.errorcode[e.errno])',
      'open("own", "a").write("x")',
    );
    // A write needs a copy, whose owner could not be written down. An id-mapped mount, as root has it, does not let
    // such a file be removed either.
    const root = as.uid === 0;
    expect(run.out).toMatch(root ? /^f\n(E(ACCES|OVERFLOW)\n){2}$/ : /^f\nEOVERFLOW\n$/);
    expect(treeDigest(cwd)).toBe(before);
    const applied = (await wasbox('apply')).out.trim().split('\n');
    expect(applied).toEqual([...(root ? [] : ['deleted  gone']), 'modified own']);
    expect(fs.readFileSync(join(cwd, 'foreign'), 'utf8')).toBe('f\n');
    expect(fs.readdirSync(cwd)).toEqual(['foreign', ...(root ? ['gone'] : []), 'own']);
  });

  test('a directory of the host is renamed, by the program and by mv', async () => {
    const { cwd, wasbox, python } = setUp({ 'd/e/f': 'f\n', 'd/g': 'g\n' });
    const run = await python(
      'import os, subprocess',
      'os.rename("d", "x")',
      'os.mkdir("new"); os.rename("new", "fresh")',
      'subprocess.check_call(["mv", "x", "moved"])',
    );
    expect([run.status, run.out]).toEqual([0, '']);
    expect((await wasbox('diff', '--stat')).out).toContain('R d => moved');
    await wasbox('apply');
    expect(fs.readdirSync(cwd)).toEqual(['fresh', 'moved']);
    expect(fs.readFileSync(join(cwd, 'moved/e/f'), 'utf8')).toBe('f\n');
  });

  test('names with a newline, with 255 bytes, and that are not UTF-8', async () => {
    const { cwd, wasbox, python } = setUp();
    const names = ['b"new\\nline"', 'b"n" * 255', 'b"bad\\xff\\xfe"', 'b"-rf"', 'b" x "'];
    for (const name of names)
      await runProgram(['python3', '-c', `open(${name}, "w").write("old")`], { as, cwd });
    const run = await python(
      'import os',
      'for n in os.listdir(b"."): open(n, "a").write("+")',
      'os.makedirs(b"d\\xff/" + b"m" * 255); open(b"d\\xff/" + b"m" * 255 + b"/\\n", "w").write("deep")',
    );
    expect([run.status, run.err]).toEqual([0, '']);
    const listed = (await wasbox('diff', '--name-only')).out.trim().split('\n');
    expect(listed).toHaveLength(8);
    const part = await wasbox('apply', '"bad\\xff\\xfe"', '"new\\nline"');
    expect(part.out.match(/^modified/gm)).toHaveLength(2);
    expect((await wasbox('apply')).status).toBe(0);
    const after = fs.readdirSync(cwd, { encoding: 'latin1' });
    expect(after.sort()).toEqual([
      ' x ',
      '-rf',
      'bad\xff\xfe',
      'd\xff',
      'new\nline',
      'n'.repeat(255),
    ]);
    for (const name of after.filter((one) => one !== 'd\xff')) {
      const path = Buffer.concat([Buffer.from(`${cwd}/`), Buffer.from(name, 'latin1')]);
      expect(fs.readFileSync(path, 'utf8'), name).toBe('old+');
    }
  });

  test('sockets and FIFOs of the host are not the ones inside', async () => {
    const { cwd, wasbox, python } = setUp({ plain: 'p\n' });
    const make =
      'import os, socket; os.mkfifo("fifo"); os.mkfifo("old"); socket.socket(socket.AF_UNIX).bind("sock")';
    await runProgram(['python3', '-c', make], { as, cwd });
    const before = treeDigest(cwd);
    const run = await python(
      'import errno, os, socket, stat',
      'print(stat.S_ISFIFO(os.stat("fifo").st_mode), stat.S_ISSOCK(os.stat("sock").st_mode))',
      'try: socket.socket(socket.AF_UNIX).connect("sock")',
      'except OSError as e: print(errno.errorcode[e.errno])',
      'os.unlink("old"); os.mkfifo("made"); os.unlink("sock"); open("sock", "w").write("a file")',
    );
    expect(run.out).toBe('True True\nECONNREFUSED\n');
    expect(treeDigest(cwd)).toBe(before);
    const applied = await wasbox('apply');
    expect(applied.err).toContain('made: not applied: it is a device, FIFO or socket');
    expect(fs.readFileSync(join(cwd, 'sock'), 'utf8')).toBe('a file');
    expect(fs.readdirSync(cwd)).toEqual(['fifo', 'plain', 'sock']);
  });

  test('files that are open or mapped at the end are saved as written', async () => {
    const { cwd, wasbox, python } = setUp({ mapped: 'x'.repeat(8192), open: '' });
    const run = await python(
      'import mmap, os, subprocess',
      'file = open("mapped", "r+b"); view = mmap.mmap(file.fileno(), 0); view[4096:4100] = b"mmap"',
      'fd = os.open("open", os.O_WRONLY); os.write(fd, b"written")',
      'gone = os.open("gone", os.O_RDWR | os.O_CREAT); os.write(gone, b"x"); os.unlink("gone")',
      // One that outlives the run: it is killed with everything else.
      'subprocess.Popen(["sh", "-c", "exec 3>>daemon; echo first >&3; echo up; sleep 300; echo late >&3"], start_new_session=True, stdout=subprocess.PIPE).stdout.readline()',
      'os._exit(0)',
    );
    expect([run.status, run.err]).toEqual([0, '']);
    expect((await wasbox('apply')).out).toBe('added    daemon\nmodified mapped\nmodified open\n');
    expect(fs.readFileSync(join(cwd, 'mapped'), 'latin1').slice(4090, 4104)).toBe('xxxxxxmmapxxxx');
    expect(fs.readFileSync(join(cwd, 'open'), 'utf8')).toBe('written');
    expect(fs.readFileSync(join(cwd, 'daemon'), 'utf8')).toBe('first\n');
  });

  test('two runs in one directory at once: each has its own layer', async () => {
    const { cwd, wasbox } = setUp({ same: 'old\n' });
    const script = (n: number) =>
      `echo ${n} > same; echo ${n} > only-${n}; echo ready; until [ -e only-${n} ]; do :; done; ls`;
    const runs = await Promise.all(
      [1, 2].map((n) => wasbox('run', '-q', '--', 'sh', '-ec', script(n))),
    );
    expect(runs.map(({ out }) => out)).toEqual(['ready\nonly-1\nsame\n', 'ready\nonly-2\nsame\n']);
    const { runs: kept } = JSON.parse((await wasbox('runs', '--json')).out) as {
      runs: { id: string }[];
    };
    expect(kept).toHaveLength(2);
    const [first, second] = kept.map(({ id }) => id);
    expect((await wasbox('apply', first ?? '')).status).toBe(0);
    const refused = await wasbox('apply', second ?? '');
    expect(refused.err).toContain('same: not applied: the file on the host changed');
    expect(fs.readdirSync(cwd).sort()).toEqual(['only-1', 'only-2', 'same']);
  });

  test('a suggested command can be pasted into a shell, whatever name the run chose', async () => {
    const { cwd, env, wasbox } = setUp();
    for (const name of ['.git/hooks/x;echo pwned', '-d/.git/hooks/y', '.git/hooks/$(id)\n\'"']) {
      const script = `mkdir -p -- "$(dirname -- "$1")"; printf '#!/bin/sh\\n' > "./$1"`;
      await wasbox('run', '-q', '--', 'sh', '-c', script, 'sh', name);
      const told =
        /to apply it anyway: wasbox (apply .*)\n/.exec((await wasbox('apply')).err)?.[1] ?? '';
      const words = `for word in ${told}; do printf '%s\\0' "$word"; done`;
      const parsed = await runProgram(['sh', '-c', words], { as, cwd, env });
      expect([parsed.err, parsed.status]).toEqual(['', 0]);
      const applied = await wasbox(...parsed.out.split('\0').slice(0, -1));
      expect([applied.out.startsWith('added'), applied.status]).toEqual([true, 0]);
      expect(fs.existsSync(join(cwd, name))).toBe(true);
    }
  });

  test('a path that the run did not change is named without terminal sequences', async () => {
    const { wasbox } = setUp();
    await wasbox('run', '-q', '--', 'touch', 'a');
    for (const verb of ['diff', 'apply']) {
      const { err, status } = await wasbox(verb, '\x1b[31mred');
      expect(status).toBe(1);
      expect(err).toMatch(
        /^wasbox: <1B>\[31mred: not a run ID, and not a path that run [0-9a-z]{9} changed\n/,
      );
    }
  });

  test('many refusals are counted, not listed', async () => {
    const { wasbox, python } = setUp();
    await python(
      'import os',
      'for i in range(1500): os.mkfifo(f"fifo-{i:04}")',
      'for i in range(20): open(f"{i:02}.pth", "w").close()',
    );
    const { id } = JSON.parse((await wasbox('runs', '--json')).out).runs[0];
    const { err, status } = await wasbox('apply');
    expect(status).toBe(3);
    expect(err.match(/^wasbox: fifo-\d+: not applied: it is a device/gm)).toHaveLength(20);
    expect(err).toContain(`wasbox: … and 1,480 more; to list them: wasbox diff ${id} --stat\n`);
    // Another reason has lines of its own, and as many as the limit are not too many.
    expect(err.match(/^wasbox: \d+\.pth: not applied automatically: Python/gm)).toHaveLength(20);
    expect(err.match(/and [\d,]+ more/g)).toHaveLength(1);
    expect(err).toContain(
      `wasbox: 1,520 changes not applied: wasbox diff ${id}, wasbox discard ${id}\n`,
    );
    // All of them are in both places where the rest is to be found.
    const json = JSON.parse((await wasbox('apply', '--json')).out);
    expect(json.refused).toHaveLength(1520);
    expect((await wasbox('diff', id, '--stat')).out.match(/fifo-\d+/g)).toHaveLength(1500);
  });

  test(`${manyFiles} files`, { timeout: 3_600_000 }, async () => {
    const { cwd, wasbox, python } = setUp();
    const lines = [
      'import os',
      `for n in range(${manyFiles}):`,
      '  d = "d%d/e%d" % (n % 10, n % 100)',
      '  if n < 100: os.makedirs(d, exist_ok=True)',
      '  open("%s/f%d" % (d, n), "w").write("file %d\\n" % n)',
    ];
    await runProgram(['python3', '-c', lines.join('\n')], { as, cwd, timeoutMs: 600_000 });
    const run = await python(
      'import os',
      'print(sum(len(f) for _, _, f in os.walk(".")))',
      'for top, _, files in os.walk("."):',
      '  for name in files:',
      '    n = int(name[1:]); p = top + "/" + name',
      '    if n % 3 == 0: os.unlink(p)',
      '    elif n % 3 == 1: open(p, "a").write("more\\n")',
    );
    expect(run.out).toBe(`${manyFiles}\n`);
    const third = (rest: number) => Math.ceil((manyFiles - rest) / 3);
    const stat = (await wasbox('diff', '--name-only')).out.trim().split('\n');
    expect(stat).toHaveLength(third(0) + third(1));
    expect((await wasbox('apply', '--delete')).status).toBe(0);
    const left = await runProgram(
      ['sh', '-c', 'find . -type f | wc -l; cat d*/*/* | grep -c more'],
      { as, cwd, timeoutMs: 600_000 },
    );
    expect(left.out).toBe(`${manyFiles - third(0)}\n${third(1)}\n`);
    expect((await wasbox('runs')).out).toBe('No saved changes.\n');
  });
});
