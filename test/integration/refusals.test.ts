/**
 * Tests what a run was refused, as it is told: a row for each call. The same call is then made with the
 * option that the line names, and gets through; where no option is named, it is made in a sandbox
 * without any filter, and the kernel refuses it by itself.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import type { RunReport } from '../../src/index.js';
import { identities } from '../support/identity.js';
import { type Attempt, compilePayload, parseAttempts } from '../support/payload.js';
import { makeProject } from '../support/project.js';
import { refusalRows as rows } from '../support/refusal-rows.js';
import { failedToStart } from '../support/two-ways.js';
import { type Ended, runProgram, runWasbox } from '../support/wasbox.js';
import { weakenedArgv } from '../support/weaken.js';

const EPERM = 1;
const names = rows.map(([name]) => name);
/** Reads the report, which stands behind what the program itself wrote. */
const report = (run: Ended): RunReport =>
  JSON.parse(run.err.slice(run.err.indexOf('{\n'))) as RunReport;
const unquoted = (option: string) => option.replaceAll("'", '');

describe.each(identities())('refused calls as $label', (as) => {
  let lines: string[];
  let told: NonNullable<RunReport['refusals']>;
  let plain: Map<string, Attempt>;
  let allowed: Map<string, Attempt>;
  let unfiltered: Map<string, Attempt>;

  beforeAll(async () => {
    const cwd = makeProject(as);
    compilePayload(as, 'attempt', cwd);
    const command = ['--', './attempt', ...names];
    const options = [...new Set(rows.flatMap(([, , , , option]) => option ?? []))];
    const allow = options.flatMap((option) => ['--allow', unquoted(option)]);
    const start = (args: readonly string[]) => runWasbox(['run', ...args, ...command], { as, cwd });
    const [text, json, again, without] = await Promise.all([
      start(['-v', '--discard']),
      start(['--json', '--discard']),
      start(['-q', '--discard', ...allow]),
      runProgram(weakenedArgv(as, ['seccomp'], ['-q', '--discard', ...command]), { as, cwd }),
    ]);
    lines = text.err.split('\n');
    told = report(json).refusals as typeof told;
    plain = parseAttempts(text.out);
    allowed = parseAttempts(again.out);
    unfiltered = parseAttempts(without.out);
  });

  test.each(rows)('%s: %s', (name, what, kind, cause, option, outcome) => {
    expect(plain.get(name)).toEqual({ kind: 'errno', value: EPERM });
    const line = lines.find(
      (text) =>
        text.includes(`${kind.padEnd(9)} ${what.split(' ')[0]} `) &&
        text.includes(what.split(' ').slice(1).join(' ')),
    );
    expect(line).toContain(cause);
    const [call] = what.split(' ');
    const entry = told.calls.find((one) => {
      const args = Object.entries(one.arguments).map(([key, value]) => `${key}=${value}`);
      const text = [one.call, one.target ?? args.join(' ')].join(' ');
      return one.call === call && text.startsWith(what);
    });
    expect(entry).toMatchObject({ kind, errno: 'EPERM' });
    expect(entry?.cause).toContain(cause);
    expect(entry?.option).toBe(option === undefined ? undefined : `--allow ${option}`);
    const decided = option === undefined ? unfiltered.get(name) : allowed.get(name);
    if (option === undefined) expect(decided?.kind).toBe('errno');
    else if (outcome === undefined) expect(decided?.kind).toBe('ok');
    else expect(decided).toBeDefined();
  });

  test('nothing is said where nothing was refused', async () => {
    const cwd = makeProject(as);
    const run = await runWasbox(['run', '--', 'true'], { as, cwd });
    expect(run.err).toBe('');
    const json = await runWasbox(['run', '--json', '--', 'true'], { as, cwd });
    expect(report(json).refusals).toMatchObject({ watched: 'all', total: 0, calls: [] });
  });

  test('-q says nothing, and without -v a long list is cut', async () => {
    const cwd = makeProject(as);
    compilePayload(as, 'attempt', cwd);
    const command = ['--', './attempt', ...names];
    const quiet = await runWasbox(['run', '-q', '--discard', ...command], { as, cwd });
    expect(quiet.err).toBe('');
    const short = await runWasbox(['run', '--discard', ...command], { as, cwd });
    expect(short.err.split('\n').length).toBeLessThan(12);
    expect(short.err).toMatch(/more kinds \(-v lists them\)/);
  });

  test('a policy of the user’s own is watched too, execve and sendmsg included', async () => {
    const cwd = makeProject(as, {
      'p.policy': 'target x86_64, aarch64\ndeny mkdir mkdirat sendmsg\ninclude "default"\n',
      'closed.policy': 'target x86_64, aarch64\ndefault errno(EPERM)\nallow @basic-io\n',
    });
    const run = await runWasbox(
      ['run', '--json', '--discard', '--policy', 'p.policy', '--', 'mkdir', 'a\u001b[31m'],
      { as, cwd },
    );
    expect(run.err).not.toContain('\u001b[');
    const [first] = report(run).refusals?.calls ?? [];
    expect(first).toMatchObject({
      kind: 'file',
      target: '"a\\x1b[31m"',
      cause: 'your policy blocks it',
    });
    const again = await runWasbox(
      [
        'run',
        '--discard',
        '--policy',
        'p.policy',
        '--allow',
        first?.call ?? '',
        '--',
        'mkdir',
        'b',
      ],
      { as, cwd },
    );
    expect(again.status).toBe(0);
    const closed = await runWasbox(['run', '--policy', 'closed.policy', '--', 'true'], { as, cwd });
    expect(closed.status).toBe(126);
    expect(closed.err).toContain('must allow execve');
    failedToStart((line) => line.includes('closed.policy'));
  });

  test('no option is offered for what the rules of the network refuse by themselves', async () => {
    const cwd = makeProject(as);
    const script = `import socket, fcntl
def tried(call):
    try: call()
    except OSError as error: print(error.errno)
    else: print('made')
s = socket.socket()
tried(lambda: s.sendto(b'x', 0x20000000, ('127.0.0.1', 9)))
tried(lambda: s.setsockopt(6, 30, 1))
tried(lambda: fcntl.ioctl(s, 0x8912, b'\\0' * 40))`;
    const command = ['--lang', 'python', '-c', script];
    const allowed = ['sendto', 'setsockopt', 'ioctl'].flatMap((call) => ['--allow', call]);
    const run = (...options: string[]) =>
      runWasbox(['run', '--discard', ...options, ...command], { as, cwd });
    const ruled = await run('--net', '192.0.2.1');
    expect(ruled.out).toBe('95\n95\n1\n');
    expect(ruled.err.match(/^wasbox: {3}network .*\. No option allows it$/gm)).toHaveLength(3);
    expect(ruled.err).toContain('optname=30');
    // Indeed --allow changes nothing; with the host’s network nothing of it is refused.
    expect((await run('-q', '--net', '192.0.2.1', ...allowed)).out).toBe(ruled.out);
    expect((await run('-q', '--net', 'host')).out).toBe('111\nmade\nmade\n');
  });

  test.each(['ptrace\n', ' ', '"x"', 'ptrace # x'])('--allow %j is not a rule', async (value) => {
    const run = await runWasbox(['run', '--allow', value, '--', 'true'], {
      as,
      cwd: makeProject(as),
    });
    expect(run.status).toBe(125);
    expect(run.err).toContain('invalid rule');
  });
});
