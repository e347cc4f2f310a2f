/**
 * `wasbox learn`: ten real programs are learned, and run under their profile with the same input and
 * with another. Their output is held against that of a plain run on the host.
 */
import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { beforeAll, describe, expect, test } from 'vitest';
import { compilePolicy, diffPolicies, init, simulate } from '../../src/policy/index.js';
import { identities, ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { runProgram, runWasbox, wasboxArgv } from '../support/wasbox.js';

beforeAll(() => init());

/** Returns what the built-in policy allows; everything else must stay refused. */
function loosened(profile: string): string[] {
  const text = (parse(profile) as { 'policy-text': string })['policy-text'];
  compilePolicy({ text }, { arch: 'x86_64' });
  return diffPolicies({ builtin: 'default' }, { text }, { arch: ['x86_64'] })
    .filter(({ first, second }) => second.kind === 'allow' && first.kind !== 'allow')
    .map(({ name, number }) => name ?? String(number));
}

const files = {
  'a.txt': 'one\ntwo\nthree\n',
  'b.txt': `${'many words in a longer text\n'.repeat(2000)}last\n`,
  'a.json': '{"a": [1, 2, 3]}',
  'b.json': `[${Array.from({ length: 500 }, (_, i) => `{"n": ${i}}`).join(',')}]`,
  'hello.py': 'print("hello")\n',
  'count.py':
    'import sys\nwords = open(sys.argv[1]).read().split()\nprint(len(words), sorted(set(words))[:3])\n',
  'count.mjs':
    "import { readFileSync } from 'node:fs';\nconsole.log(readFileSync(process.argv[2], 'utf8').length);\n",
  'a.c': 'int main(void) { return 0; }\n',
  'b.c':
    '#include <stdio.h>\n#include <math.h>\nint main(void) { printf("%f\\n", sqrt(2)); return 0; }\n',
  Makefile: 'all: $(IN).out\n%.out: %\n\tsort $< > $@\n\tcat $@\n',
};

const programs: readonly [name: string, same: readonly string[], other: readonly string[]][] = [
  ['python', ['python3', 'count.py', 'a.txt'], ['python3', 'count.py', 'b.txt']],
  ['node', ['node', 'count.mjs', 'a.txt'], ['node', 'count.mjs', 'b.txt']],
  [
    'perl',
    ['perl', '-ne', '$n += length; END { print $n }', 'a.txt'],
    ['perl', '-ne', '$n += length; END { print $n }', 'b.txt'],
  ],
  ['jq', ['jq', '.a', 'a.json'], ['jq', 'map(.n) | add', 'b.json']],
  ['grep', ['grep', '-c', 'two', 'a.txt'], ['grep', '-rn', 'last', '.']],
  ['sort', ['sort', '-r', 'a.txt'], ['sort', '-u', 'b.txt']],
  ['gzip', ['sh', '-c', 'gzip -c a.txt | gzip -dc'], ['sh', '-c', 'gzip -c b.txt | gzip -dc']],
  [
    'sqlite',
    ['sqlite3', ':memory:', 'select 1+1'],
    [
      'sqlite3',
      ':memory:',
      'create table t(a); insert into t values (3),(1); select * from t order by a',
    ],
  ],
  ['gcc', ['gcc', '-c', 'a.c', '-o', 'a.o'], ['gcc', 'b.c', '-o', 'b', '-lm']],
  ['make', ['make', '-s', 'IN=a.txt'], ['make', '-s', 'IN=b.txt']],
];

describe('ten programs', () => {
  const as = ordinaryUser();
  test.each(programs)('%s is learned and works', async (name, same, other) => {
    const cwd = makeProject(as, files);
    const own = makeProject(as);
    const profile = join(own, `${name}.toml`);
    const learned = await runWasbox(['learn', '-o', profile, '--discard', '--', ...same], {
      as,
      cwd,
    });
    expect(learned.status, learned.err).toBe(0);
    expect(loosened(readFileSync(profile, 'utf8'))).toEqual([]);
    for (const argv of [same, other]) {
      const run = await runWasbox(['run', '--discard', '--profile', profile, '--', ...argv], {
        as,
        cwd,
      });
      const plain = await runProgram(argv, { as, cwd: makeProject(as, files) });
      expect(run.status, run.err).toBe(plain.status);
      expect(run.out).toBe(plain.out);
      expect(run.err).not.toContain('blocked:');
    }
  });
});

describe.each(identities())('learning as $label', (as) => {
  test('Python says hello with at most 60 calls and no network', async () => {
    const cwd = makeProject(as, files);
    const run = await runWasbox(['learn', '-q', '--', 'python3', 'hello.py'], { as, cwd });
    expect(run.status, run.err).toBe(0);
    const profile = parse(run.out.slice(run.out.indexOf('# Learned'))) as {
      net: string;
      'policy-text': string;
    };
    expect(profile.net).toBe('none');
    // A line may name several.
    const calls = [
      ...profile['policy-text'].matchAll(/^allow ([\w@ -]+?)(?= where | {4}#)/gm),
    ].flatMap(([, names = '']) => names.split(' '));
    expect(
      calls.filter((call) => /^(@|socket|connect|bind|send|accept|listen)/.test(call)),
    ).toEqual([]);
    expect(calls.length).toBeLessThanOrEqual(60);
    expect(calls.length).toBeGreaterThan(20);
  });

  test('runs join; --check tells what is missing; a change by hand is not lost', async () => {
    const cwd = makeProject(as, files);
    const own = makeProject(as);
    const file = join(own, 'p.toml');
    const hello = ['--', 'python3', 'hello.py'];
    const child = ['--', 'python3', '-c', 'import subprocess; subprocess.run(["true"])'];
    const options = { as, cwd };
    expect((await runWasbox(['learn', '-o', file, ...hello], options)).status).toBe(0);
    expect((await runWasbox(['learn', '--check', '-o', file, ...hello], options)).status).toBe(0);
    const lacking = await runWasbox(['learn', '--check', '-o', file, ...child], options);
    expect(lacking.status).toBe(1);
    expect(lacking.err).toContain('does not allow pipe2');
    const run = await runWasbox(['run', '--discard', '--profile', file, ...child], options);
    expect(run.status).toBe(1);
    expect(run.err).toMatch(/pipe2 .*the profile was learned without it/);
    const [, again = ''] = /to add this run to the profile: (wasbox learn .*)/.exec(run.err) ?? [];
    expect(lacking.err).toContain(again.replace(' --discard', ''));
    // The command is run as it is said, by a shell.
    const script = again.replace(/^wasbox/, 'exec "$@"');
    const joined = await runProgram(['sh', '-c', script, 'sh', ...wasboxArgv(as, [])], options);
    expect(joined.err).toContain('learned from 2 runs');
    expect((await runWasbox(['learn', '--check', '-o', file, ...child], options)).status).toBe(0);
    expect((await runWasbox(['learn', '--check', '-o', file, ...hello], options)).status).toBe(0);

    const changed = readFileSync(file, 'utf8').replace('allow pipe2', 'allow pipe2, ptrace');
    writeFileSync(file, changed);
    const refused = await runWasbox(['learn', '-o', file, ...hello], options);
    expect(refused.status).toBe(2);
    expect(refused.err).toContain('edited');
    expect(readFileSync(file, 'utf8')).toBe(changed);
  });

  test('a shown directory becomes what was read of it, and nothing else of it is there', async () => {
    const data = makeProject(as, { 'used/a': 'A', 'used/b': 'B', 'unused/c': 'C' });
    const [cwd, own] = [makeProject(as), makeProject(as)];
    const file = join(own, 'p.toml');
    const learn = [
      'learn',
      '-o',
      file,
      '--ro',
      data,
      '--',
      'cat',
      `${data}/used/a`,
      `${data}/used/b`,
    ];
    expect((await runWasbox(learn, { as, cwd })).status).toBe(0);
    const run = (path: string) =>
      runWasbox(['run', '--profile', file, '--', 'cat', path], { as, cwd });
    expect((await run(`${data}/used/a`)).out).toBe('A');
    expect((await run(`${data}/unused/c`)).status).toBe(1);
  });

  test('no link and no name in a shown directory leads out of it, then or later', async () => {
    const data = makeProject(as, { 'real/r': 'R', 'v1/a': 'A', 'real:/tmp/planted/f': 'F' });
    const secret = makeProject(as, { key: 'SECRET' });
    const [cwd, own] = [makeProject(as), makeProject(as)];
    const file = join(own, 'p.toml');
    const learn = (script: string) => {
      rmSync(file, { force: true });
      return runWasbox(['learn', '-o', file, '--discard', '--ro', data, '--', 'sh', '-c', script], {
        as,
        cwd,
      });
    };
    const readOnly = () =>
      (parse(readFileSync(file, 'utf8')) as { files: { 'read-only': string[] } }).files[
        'read-only'
      ];
    const cat = (path: string) =>
      runWasbox(['run', '--discard', '--profile', file, '--', 'cat', path], { as, cwd });

    // The program makes a file of its own where the link leads inside.
    symlinkSync(secret, join(data, 'link'));
    const made = await learn(`mkdir -p ${secret}; echo > ${secret}/key; cat ${data}/link/key`);
    expect(made.status, made.err).toBe(0);
    expect(readOnly()).toEqual([data]);
    const out = await cat(`${data}/link/key`);
    expect([out.out, out.status]).toEqual(['', 1]);

    // A colon in a name does not make it a mapping.
    expect((await learn(`cat '${data}/real:/tmp/planted/f'`)).status).toBe(0);
    expect(readOnly()).toEqual([`${data}/real\\:/tmp/planted`]);
    expect((await cat(`${data}/real:/tmp/planted/f`)).out).toBe('F');

    // A path that was a directory becomes a link afterwards.
    expect((await learn(`cat ${data}/v1/a`)).status).toBe(0);
    expect((await cat(`${data}/v1/a`)).out).toBe('A');
    rmSync(join(data, 'v1'), { recursive: true });
    symlinkSync(secret, join(data, 'v1'));
    const swapped = await cat(`${data}/v1/key`);
    expect([swapped.out, swapped.status]).toEqual(['', 125]);
    expect(swapped.err).toContain('points outside');
    // The control: without what learning keeps of it, the link would be followed.
    const loose = readFileSync(file, 'utf8').replace(/^shown = .*$/m, '');
    writeFileSync(file, loose);
    expect((await cat(`${data}/v1/key`)).out).toBe('SECRET');
  });

  test('keeps refused what was tried and refused', async () => {
    // The audit sees it (the control); a network socket of the kernel's own is narrowed, not lost.
    const tries = `
import ctypes, socket
for family, kind in (16, 3), (40, 1), (17, 3), (38, 5), (1, 1):
    try: socket.socket(family, kind)
    except OSError: pass
for request in 0x5401, 0x5412, 0x541c: ctypes.CDLL(None).ioctl(0, request, bytes(64))
`;
    const cwd = makeProject(as, { 'tries.py': tries });
    const run = await runWasbox(['learn', '-q', '--', 'python3', 'tries.py'], { as, cwd });
    expect(run.status, run.err).toBe(0);
    const text = run.out.slice(run.out.indexOf('# Learned'));
    const { learned, 'policy-text': policy } = parse(text) as {
      learned: { values: { [key: string]: string[] } };
      'policy-text': string;
    };
    expect(learned.values['socket.domain']).toEqual(
      expect.arrayContaining(['AF_VSOCK', 'AF_PACKET', 'AF_ALG']),
    );
    expect(learned.values['ioctl.request']).toContain('TIOCSTI');
    expect(loosened(text)).toEqual([]);
    const decide = (call: string, ...args: string[]) =>
      simulate({ text: policy }, { call, args }, { arch: 'x86_64' }).action.kind;
    expect(decide('ioctl', '0', 'TCGETS')).toBe('allow');
    expect(decide('ioctl', '0', 'TIOCSTI')).toBe('errno');
    expect(decide('socket', 'AF_NETLINK', '3', '0')).toBe('allow');
    expect(decide('socket', 'AF_NETLINK', '3', '12')).toBe('errno');
    expect(decide('socket', 'AF_VSOCK', '1', '0')).toBe('errno');
    expect(policy).toContain('domain == AF_NETLINK and protocol == NETLINK_ROUTE');
    expect(policy).toMatch(/^allow socket where domain == AF_UNIX and type/m);
  });

  test('says so where a run did nearly nothing, and writes nothing where none was made', async () => {
    const [cwd, own] = [makeProject(as), makeProject(as)];
    const little = await runWasbox(['learn', '-o', join(own, 'l.toml'), '--', 'busybox', 'true'], {
      as,
      cwd,
    });
    expect(little.err).toContain('did very little');
    const failed = await runWasbox(['learn', '-o', join(own, 'f.toml'), '--', 'no-such-program'], {
      as,
      cwd,
    });
    expect(failed.status).toBe(2);
    expect(existsSync(join(own, 'f.toml'))).toBe(false);
  });
});
