/**
 * `wasbox why` finds what a program lacked: every call that the default policy refuses, and files that
 * programs need and a default run hides. What it advises is then applied, and the program does what it does
 * outside.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Identity, identities, stateOf } from '../support/identity.js';
import { compilePayload } from '../support/payload.js';
import { makeProject, writeFiles } from '../support/project.js';
import { refusalRows } from '../support/refusal-rows.js';
import { onTerminal } from '../support/terminal.js';
import { failedToStart } from '../support/two-ways.js';
import { runProgram, runWasbox, wasboxArgv } from '../support/wasbox.js';

interface Found {
  readonly lacks: readonly {
    readonly kind: string;
    readonly what: string;
    readonly cause: string;
    readonly option?: string;
    readonly secret?: string;
    readonly proviso?: string;
  }[];
  readonly fixed?: string;
}

async function why(
  as: Identity,
  cwd: string,
  args: readonly string[] = ['--rerun'],
): Promise<Found> {
  const run = await runWasbox(['why', '--json', ...args], { as, cwd });
  return JSON.parse(run.out) as Found;
}

/** Programs of many kinds that read a file, as FILE, outside of the project. */
const readers: readonly [name: string, argv: readonly string[], content: string][] = [
  ['cat', ['cat', 'FILE'], 'text\n'],
  ['sh', ['sh', 'FILE'], 'echo from sh\n'],
  ['sh, by the dot', ['sh', '-euc', '. FILE; echo $A'], 'A=1\n'],
  ['bash', ['bash', '--rcfile', 'FILE', '-i', '-c', 'echo $B'], 'B=2\n'],
  ['python3', ['python3', 'FILE'], 'print(1)\n'],
  ['python3, open', ['python3', '-c', 'print(open("FILE").read())'], 'x'],
  ['node', ['node', '-p', 'fs.readFileSync("FILE", "utf8")'], 'y'],
  ['node, require', ['node', '-p', 'require("FILE").z'], 'exports.z = 3\n'],
  ['perl', ['perl', 'FILE'], 'print "perl\\n";\n'],
  ['awk', ['awk', '-f', 'FILE'], 'BEGIN { print "awk" }\n'],
  ['sed', ['sed', '-n', '-f', 'FILE', 'own'], 's/own/sed/p\n'],
  ['grep', ['grep', '-f', 'FILE', 'own'], 'own\n'],
  ['make', ['make', '-sf', 'FILE'], 'all:\n\t@echo made\n'],
  ['gcc', ['gcc', '-xc', '-fsyntax-only', 'FILE'], 'int a;\n'],
  ['git', ['git', 'config', '--file', 'FILE', 'a.b'], '[a]\n\tb = c\n'],
  ['tar', ['tar', '-cf', 'out.tar', '-T', 'FILE'], 'own\n'],
  ['sort', ['sort', 'FILE'], 'b\na\n'],
  ['wc', ['wc', '-c', 'FILE'], 'four'],
  ['sha256sum', ['sha256sum', 'FILE'], 'five5'],
  ['cmp', ['cmp', 'own', 'FILE'], 'own\n'],
  ['cp', ['cp', 'FILE', 'copy'], 'copied'],
  ['dd', ['dd', 'if=FILE', 'status=none'], 'dd'],
];

describe.each(identities())('wasbox why as $label', (as) => {
  let attempts: string;
  beforeAll(() => {
    attempts = makeProject(as);
    compilePayload(as, 'attempt', attempts);
  });

  test.concurrent.each(refusalRows)('finds %s: %s', async (name, what, kind, cause, option) => {
    const { lacks, fixed } = await why(as, attempts, ['--', './attempt', name]);
    const [nearest] = lacks;
    expect(nearest?.what.startsWith(what), nearest?.what).toBe(true);
    expect(nearest?.kind).toBe(kind);
    expect(nearest?.cause).toContain(cause);
    expect(nearest?.option).toBe(option === undefined ? undefined : `--allow ${option}`);
    // A proviso is for the user to see to.
    const offered = option !== undefined && nearest?.proviso === undefined;
    expect(fixed).toBe(!offered ? undefined : `wasbox run --allow ${option} -- ./attempt ${name}`);
  });

  test.concurrent.each(readers)('finds the file that %s lacks', async (_, argv, content) => {
    const cwd = makeProject(as, { own: 'own\n' });
    const elsewhere = makeProject(as, { 'input.js': content });
    const file = join(elsewhere, 'input.js');
    const command = argv.map((word) => word.replace('FILE', file));
    const outside = await runProgram(command, { as, cwd });
    expect(outside.status, outside.err).toBe(0);
    const inside = await runWasbox(['run', '--discard', '--', ...command], { as, cwd });
    expect([inside.status, inside.out]).not.toEqual([0, outside.out]);
    const { lacks, fixed = '' } = await why(as, cwd);
    expect(lacks[0]).toMatchObject({ kind: 'file', option: `--ro ${file}` });
    const [, ...advised] = fixed.slice(0, fixed.indexOf(' -- ')).split(' ');
    const again = await runWasbox([...advised, '--', ...command], { as, cwd });
    expect(again.status, again.err).toBe(0);
    expect(again.out).toBe(outside.out);
  });

  test('the latest cause is the nearest, whatever kind it is', async () => {
    const cwd = makeProject(as);
    const elsewhere = makeProject(as, { a: 'a', b: 'b' });
    const [a, b] = [join(elsewhere, 'a'), join(elsewhere, 'b')];
    const dial = `python3 -c 'import socket; socket.create_connection(("192.0.2.7", 80))'`;
    const order = async (...steps: string[]) =>
      (await why(as, cwd, ['-c', steps.join(';')])).lacks.map(({ option }) => option);
    expect(await order(`cat ${a}`, dial, `cat ${b}`)).toEqual([
      `--ro ${b}`,
      '--net 192.0.2.7:80',
      `--ro ${a}`,
    ]);
    expect((await order(`cat ${b}`, `cat ${a}`, dial))[0]).toBe('--net 192.0.2.7:80');
    // A file that is only looked at comes after what was to be opened.
    expect(await order(`cat ${b}`, `test -e ${a}`)).toEqual([`--ro ${b}`, `--ro ${a}`]);
  });

  test('a run is remembered in its directory, however it was started and ended', async () => {
    const elsewhere = makeProject(as, { needed: 'text' });
    const file = join(elsewhere, 'needed');
    const cwd = makeProject(as);
    const none = await runWasbox(['why'], { as, cwd });
    expect(none.status).toBe(1);
    expect(none.err).toMatch(/no run of .* is known/);
    // The second start of the same words is the native command's own.
    for (const words of [['cat', file], ['cat', file], ['true'], ['true']]) {
      await runWasbox(['run', '-q', '--', ...words], { as, cwd });
      const asked = await runWasbox(['why', '--rerun', '--json'], { as, cwd });
      const { command, lacks } = JSON.parse(asked.out) as { command: string[] } & Found;
      expect(command).toEqual(words);
      expect(asked.status).toBe(lacks.length > 0 ? 0 : 1);
      expect(lacks.map(({ option }) => option)).toEqual(words.slice(1).map((one) => `--ro ${one}`));
    }
    const other = makeProject(as);
    expect((await runWasbox(['why'], { as, cwd: other })).err).toMatch(/no run of .* is known/);
  });

  test('it runs nothing: it answers from what the run recorded, and offers to run it again', async () => {
    const cwd = makeProject(as);
    const real = makeProject(as, { 'count.txt': '' });
    const count = join(real, 'count.txt');
    const runs = () => readFileSync(count, 'utf8');
    const dial = `import socket
open(${JSON.stringify(count)}, 'a').write('x')
try: socket.create_connection(('192.0.2.7', 80), 1)
except OSError: pass
raise SystemExit(3)`;
    const argv = ['--rw', count, '--', 'python3', '-c', dial];
    for (const words of [
      ['run', '-q', ...argv],
      ['run', '-q', ...argv],
    ]) {
      await runWasbox(words, { as, cwd });
      const before = runs();
      const asked = await runWasbox(['why'], { as, cwd });
      expect(asked.status, asked.err).toBe(0);
      expect(asked.out).toContain('--net 192.0.2.7:80');
      expect(asked.out).toContain('wasbox why --rerun');
      expect(runs()).toBe(before);
    }
    expect(runs()).toBe('xx');
    // A run that left nothing to say is remembered, too.
    await runWasbox(['run', '-q', '--rw', count, '--', 'sh', '-c', `echo x >> ${count}`], {
      as,
      cwd,
    });
    const before = runs();
    const none = await runWasbox(['why'], { as, cwd });
    expect([none.status, none.out]).toEqual([1, expect.stringContaining('wasbox why --rerun')]);
    expect(runs()).toBe(before);
  });

  test('explains again what could not even be started', async () => {
    const cwd = makeProject(as, { 'notes.xyz': 'text' });
    await runWasbox(['run', 'true'], { as, cwd });
    const run = await runWasbox(['run', 'notes.xyz'], { as, cwd });
    failedToStart((line) => line.includes('notes.xyz'));
    expect(run.status).toBe(126);
    const asked = await runWasbox(['why', '--rerun'], { as, cwd });
    expect(asked.err).toBe(run.err);
    expect(asked.status).toBe(2);
  });

  test('an audit that was made is used, and nothing runs again', async () => {
    const elsewhere = makeProject(as, { needed: 'text' });
    const file = join(elsewhere, 'needed');
    const [cwd, real] = [makeProject(as), makeProject(as)];
    const script = `echo x >> ${real}/runs; cat ${file}`;
    await runWasbox(['run', '--audit', '--rw', real, '-c', script], { as, cwd });
    expect(readFileSync(join(real, 'runs'), 'utf8')).toBe('x\n');
    const { lacks } = await why(as, cwd);
    expect(lacks[0]?.option).toBe(`--ro ${file}`);
    expect(readFileSync(join(real, 'runs'), 'utf8')).toBe('x\n');
  });

  test('running again leaves nothing: no change, no saved run, no real file', async () => {
    const cwd = makeProject(as, { kept: 'old' });
    const real = makeProject(as, { 'file.txt': 'old' });
    const script = `echo new > kept; echo new > made; echo new > ${real}/file.txt; exit 4`;
    const before = await runWasbox(['run', '--rw', real, '-c', script], { as, cwd });
    expect(readFileSync(join(real, 'file.txt'), 'utf8')).toBe('new\n'); // the control
    const saved = () => readdirSync(join(stateOf(as), 'wasbox', 'saved')).sort();
    const known = saved();
    writeFiles(as, real, { 'file.txt': 'old' });
    const asked = await runWasbox(['why', '--rerun'], { as, cwd });
    expect(asked.status).toBe(1);
    expect(asked.out).toContain('exited 4');
    expect(readFileSync(join(real, 'file.txt'), 'utf8')).toBe('old');
    expect(readFileSync(join(cwd, 'kept'), 'utf8')).toBe('old');
    expect(existsSync(join(cwd, 'made'))).toBe(false);
    expect(saved()).toEqual(known);
    expect(before.status).toBe(4);
  });

  test('a run that writes to a real file is not made again', async () => {
    const cwd = makeProject(as);
    const real = makeProject(as, { 'file.txt': 'old' });
    const file = join(real, 'file.txt');
    await runWasbox(['run', '--rw', file, '-c', `echo x >> ${file}; exit 1`], { as, cwd });
    const text = readFileSync(file, 'utf8');
    const asked = await runWasbox(['why', '--rerun'], { as, cwd });
    expect(asked.status).toBe(2);
    expect(asked.err).toContain(`it can write to the real ${file}`);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  test('a program that opens more files than it may is told of the limit', async () => {
    const cwd = makeProject(as);
    const opening = (count: number) => {
      const code = `import time\nall = [open('/dev/null') for _ in range(${count})]\ntime.sleep(1)`;
      return why(as, cwd, ['--open-files', '50', '--lang', 'python', '-c', code]);
    };
    // Three descriptors are open from the start. The meter looks at those that have as many as they may.
    expect((await opening(48)).lacks).toMatchObject([{ option: '--open-files 100' }]);
    expect((await opening(47)).lacks).toEqual([]);
  });

  test('a key is named, but never offered', async () => {
    const cwd = makeProject(as);
    const elsewhere = makeProject(as, { '.ssh/id_ed25519': 'key', plain: 'text' });
    const key = join(elsewhere, '.ssh/id_ed25519');
    const both = ['-c', `cat ${join(elsewhere, 'plain')}; cat ${key}`];
    const { lacks, fixed } = await why(as, cwd, both);
    expect(lacks[0]).toMatchObject({ option: `--ro ${key}`, secret: 'private keys' });
    expect(fixed).toContain('plain');
    expect(fixed?.slice(0, fixed.indexOf(' -c '))).not.toContain('id_ed25519');
  });

  test('names from the program are escaped', async () => {
    const cwd = makeProject(as);
    const elsewhere = makeProject(as, { 'a\u001b[31mb': 'text' });
    const asked = await runWasbox(
      ['why', '-c', `cat ${elsewhere}/a*b ${elsewhere}/a$(printf '\\033')[31mb`],
      {
        as,
        cwd,
      },
    );
    expect(asked.out).toContain('a<1B>[31mb');
    expect(asked.out).not.toContain('\u001b[31m');
    expect(asked.out).not.toContain('wasbox run'); // as it is shown, it would name another file
  });

  test('a script from standard input is asked for again', async () => {
    const cwd = makeProject(as);
    await runWasbox(['run', '-'], { as, cwd, stdin: 'exit 5' });
    const asked = await runWasbox(['why', '--rerun'], { as, cwd });
    expect(asked.status).toBe(2);
    expect(asked.err).toContain('wasbox why -');
    const given = await runWasbox(['why', '-'], { as, cwd, stdin: 'exit 5' });
    expect(given.out).toContain('exited 5');
  });

  test('at a terminal a failure leads to why, and --rerun runs what it advises', async () => {
    const cwd = makeProject(as);
    const elsewhere = makeProject(as, { needed: 'the text' });
    const file = join(elsewhere, 'needed');
    const failed = await onTerminal(wasboxArgv(as, ['run', '--', 'cat', file]), { as, cwd });
    expect(failed.output).toContain('exited 1. To see what it lacked: wasbox why');
    const rerun = (answer: string) =>
      onTerminal(wasboxArgv(as, ['why', '--rerun']), { as, cwd }, [
        { after: 'run this again', type: 'y\\n' },
        { after: 'run it', type: answer },
      ]);
    const no = await rerun('n\\n');
    expect(no.output).toContain(`wasbox run --ro ${file} -- cat ${file}`);
    expect(no.output).not.toContain('the text');
    const yes = await rerun('y\\n');
    expect(yes.exit).toBe(0);
    expect(yes.output).toContain('the text');
  });
});
