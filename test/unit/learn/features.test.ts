/** Tests what goes with what a program was about: allowed where that was seen, named where it was not. */
import { beforeAll, describe, expect, test } from 'vitest';
import { features, learnPolicy, type Seen, warningsOn } from '../../../src/learn/index.js';
import { diffPolicies, init, type PolicySource, simulate } from '../../../src/policy/index.js';

beforeAll(() => init());

const builtin: PolicySource = { builtin: 'default' };
const all = features.map(({ name }) => name);
const seen = (names: readonly string[], more: Partial<Seen> = {}): Seen => ({
  runs: 1,
  command: 'x',
  calls: { read: 1, openat: 2 },
  values: {},
  moreValues: false,
  features: names,
  shown: [],
  ...more,
});

describe('features', () => {
  const decide = (names: readonly string[], base: PolicySource = builtin) => {
    const { text } = learnPolicy(seen(names), base, 'x86_64');
    return (call: string, ...args: string[]) =>
      simulate({ text }, { call, args }, { arch: 'x86_64' }).action.kind;
  };

  test('are refused where they were not seen', () => {
    const now = decide([]);
    for (const call of ['rename', 'unlink', 'wait4', 'fork', 'epoll_wait', 'sendto', 'prctl']) {
      expect(now(call), call).toBe('errno');
    }
    expect(now('exit_group')).toBe('allow');
  });

  test('bring what goes with them, and features that belong to them', () => {
    const now = decide(['processes']);
    for (const call of ['wait4', 'kill', 'pipe2', 'rename', 'mkdir', 'clone']) {
      expect(now(call), call).toBe('allow');
    }
    expect(now('clone', 'CLONE_NEWUSER')).toBe('errno');
    expect(now('prctl', 'PR_SET_NAME')).toBe('allow');
    expect(now('prctl', 'PR_SET_MM')).toBe('errno');
    expect(now('socket', 'AF_INET')).toBe('errno');
    expect(now('bind')).toBe('errno');
    expect(now('epoll_wait')).toBe('errno');
  });

  test('allow nothing that the policy of the runs refuses', () => {
    const { text } = learnPolicy(seen(all), builtin, 'x86_64');
    const loosened = diffPolicies(builtin, { text }, { arch: ['x86_64'] })
      .filter(({ first, second }) => second.kind === 'allow' && first.kind !== 'allow')
      .map(({ name }) => name);
    expect(loosened).toEqual([]);
    const less = { text: 'default errno(EPERM)\nallow read, openat, wait4\n' };
    const now = decide(all, less);
    expect(now('wait4')).toBe('allow');
    for (const call of ['rename', 'clone', 'prctl', 'epoll_wait', 'kill']) {
      expect(now(call), call).toBe('errno');
    }
  });
});

describe('remarks', () => {
  const remarks = (names: readonly string[], used: readonly string[] = [], ended?: string) =>
    warningsOn({
      seen: seen(names),
      policy: learnPolicy(seen(names), builtin, 'x86_64'),
      spec: { policy: { name: 'default', builtin: true } } as never,
      shownAndUsed: used,
      ended,
    }).join('\n');

  test('name what is refused, as the policy says', () => {
    expect(remarks([])).toContain(
      'Not seen, so the profile blocks: deleting and renaming files, starting programs, threads, network sockets.',
    );
    // A program that starts others may make threads: both are clone(2).
    expect(remarks(['processes'])).toContain('blocks: network sockets.');
    expect(remarks(['threads'])).toContain('blocks: network sockets.');
    expect(remarks(all)).not.toContain('Not seen');
    for (const names of [[], ['writing'], ['processes'], ['threads'], ['sockets'], all]) {
      const { text } = learnPolicy(seen(names), builtin, 'x86_64');
      const decision = (call: string) =>
        simulate({ text }, { call, args: [] }, { arch: 'x86_64' }).action.kind;
      const said = remarks(names);
      expect(said.includes('threads'), names.join()).toBe(decision('clone') !== 'allow');
      expect(said.includes('renaming'), names.join()).toBe(decision('renameat2') !== 'allow');
    }
  });

  test('name secrets that were read, and an end that was none', () => {
    const text = remarks([], ['/d/a.txt', '/d/.ssh/x', '/d/tls/a.pem'], 'exited 3');
    expect(text).toContain('secrets, because the program read them: /d/.ssh/x, /d/tls/a.pem.');
    expect(text).toContain('The program exited 3');
    expect(remarks([], ['/d/a.txt', '/d/sshx'])).not.toContain('secrets');
  });
});
