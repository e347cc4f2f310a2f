/** A learned profile allows no more than the policy of its runs, whatever it is made from. */
import { createHash } from 'node:crypto';
import { parse } from 'smol-toml';
import { beforeAll, describe, expect, test } from 'vitest';
import { learnPolicy, profileText, readLearned, type Seen } from '../../../src/learn/index.js';
import { init, type PolicySource, simulate } from '../../../src/policy/index.js';

beforeAll(() => init());

const seen = (more: Partial<Seen> = {}): Seen => ({
  runs: 1,
  command: 'x',
  calls: { read: 1, socket: 5, ioctl: 3 },
  values: { 'socket.domain': ['AF_UNIX'], 'ioctl.request': ['TCGETS'] },
  moreValues: false,
  features: [],
  shown: [],
  ...more,
});

/** Calls of these that a policy allows and the other refuses. */
function loosened(base: PolicySource, text: string): string[] {
  const domains = ['AF_UNIX', 'AF_PACKET', 'AF_NETLINK', 'AF_VSOCK', '0x7fffffff'];
  const requests = ['TCGETS', 'TIOCSTI', 'TIOCLINUX', '0xffffffff'];
  const calls: readonly (readonly [call: string, ...args: string[]])[] = [
    ...domains.flatMap((domain) =>
      ['1', '5'].flatMap((type) =>
        ['0', '12'].map((protocol) => ['socket', domain, type, protocol] as const),
      ),
    ),
    ...requests.map((request) => ['ioctl', '0', request] as const),
    ...['ptrace', 'clone', 'unshare', 'read', 'execve'].map((call) => [call] as const),
    ['clone', 'CLONE_NEWUSER'],
  ];
  const allows = (policy: PolicySource, [call, ...args]: (typeof calls)[number]): boolean =>
    simulate(policy, { call, args }, { arch: ['x86_64'] }).action.kind === 'allow';
  return calls
    .filter((call) => allows({ text }, call) && !allows(base, call))
    .map((call) => call.join(' '));
}

describe('the policy', () => {
  const bases: readonly [string, PolicySource][] = [
    ['built-in', { builtin: 'default' }],
    ['with less', { text: 'default errno(EPERM)\nallow read\nallow socket where domain == 1\n' }],
    [
      'on two arguments',
      { text: 'default errno(EPERM)\nallow socket where domain == 1 and type == 5\n' },
    ],
  ];
  test.each(bases)('allows nothing that a policy refuses: %s', (_name, base) => {
    const values = {
      'socket.domain': ['AF_UNIX', 'AF_PACKET', 'AF_NETLINK', '0x7fffffff'],
      'ioctl.request': ['TCGETS', 'TIOCSTI', 'TIOCLINUX', '0xffffffff'],
    };
    const calls = { ...seen().calls, ptrace: 1, clone: 2, unshare: 3 };
    const { text } = learnPolicy(seen({ values, calls }), base, 'x86_64');
    expect(loosened(base, text)).toEqual([]);
    // The control: what was seen would allow more.
    const all = `default errno(EPERM)\nallow socket where domain in [${values['socket.domain'].join(', ')}]\n`;
    expect(loosened(base, all)).not.toEqual([]);
  });
});

describe('a file that was made to look learned', () => {
  const policy = { text: 'default errno(EPERM)\n', allowed: 0, calls: new Set<string>(), base: 1 };
  const made = profileText(seen(), policy, {}, []);
  const forged = (from: string, to: string): string => {
    const text = made.replace(/^made = .*\n/m, '').replace(from, to);
    expect(made).toContain(from);
    const mark = createHash('sha256').update(text).digest('hex');
    return text.replace('[learned]\n', `[learned]\nmade = "${mark}"\n`);
  };

  test('is read where it has the form of one', () => {
    expect(readLearned('p', forged('"read" = 1', '"read" = 7')).seen.calls.read).toBe(7);
  });

  test.each([
    ['"read" = 1', '"read" = "1\\nallow ptrace"'],
    ['"read" = 1', '"read\\nallow ptrace" = 1'],
    ['["TCGETS"]', '["TCGETS]\\nallow ptrace\\n#"]'],
    ['["TCGETS"]', `["'''\\nnet = 'host'\\nx = '''"]`],
    ['runs = 1', 'runs = 1\nshown = [1]'],
    ['runs = 1', 'runs = "1\\nnet = 0"'],
    ['[learned.calls]', '[learned.others]'],
  ])('is refused with %s → %s', (from, to) => {
    expect(() => readLearned('p', forged(from, to))).toThrow(/damaged/);
  });
});

test('a command of any characters is TOML, and nothing that a terminal obeys', () => {
  const command = `a\u{1f600}'''\n"\\ \u009b31m \u202e \u{e0041} \u007f ${'\u{1f600}'.slice(0, 1)}`;
  const text = profileText(
    seen({ command }),
    { text: '', allowed: 0, calls: new Set<string>(), base: 1 },
    {},
    [],
  );
  const { learned } = parse(text) as { learned: { command: string } };
  expect(learned.command).toBe(`${command.slice(0, -1)}?`);
  expect(text).not.toMatch(/[\x7f-\x9f\p{Cf}]/u);
});

test('a directory of any name is one value, and its comment stays a comment', () => {
  const path = `/d/"]\nnet = "host"\n[files]\nwritable = ["/"]\n'''\\"`;
  const text = profileText(
    seen(),
    { text: 'default errno(EPERM)\n', allowed: 0, calls: new Set<string>(), base: 1 },
    { net: { value: 'none' }, 'files.read-only': { value: [path], comments: [`x\n${path}`] } },
    [`read ${path}`],
  );
  const { learned: _, ...rest } = parse(text);
  expect(rest).toEqual({
    'policy-text': 'default errno(EPERM)\n',
    net: 'none',
    files: { 'read-only': [path] },
  });
});
