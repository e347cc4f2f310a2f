import { beforeAll, describe, expect, it } from 'vitest';
import { init, replay, simulate } from '../../../src/policy/index.js';

beforeAll(() => init());

const log = `12345 execve("/bin/true", ["true", "a, b"], 0x7ffd /* 20 vars */) = 0
12345 socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP) = 3
[pid 12346] socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_ROUTE) = 3
[pid 12346] 10:11:12.131415 socket(AF_VSOCK, SOCK_STREAM, 0 <unfinished ...>
[pid 12346] <... socket resumed>) = 3
12345 ioctl(0, TIOCSTI, "\\")(") = -1 EIO (Input/output error)
12345 clone(child_stack=NULL, flags=CLONE_NEWUSER|SIGCHLD) = 5
12345 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD, child_tidptr=0x7f) = 6
12345 kill(-1, SIGTERM) = 0
12345 madeup(1) = 0
--- SIGCHLD {si_signo=SIGCHLD} ---
+++ exited with 0 +++
`;

describe('replay', () => {
  it('says what the policy would have stopped, and by which rule', () => {
    const { calls, stopped, unknown } = replay({ builtin: 'default' }, log);
    expect(calls).toBe(8);
    expect(unknown).toEqual({ madeup: 1 });
    expect(stopped.map(({ line, name, actionText }) => [line, name, actionText])).toEqual([
      [4, 'socket', 'errno(EPERM)'],
      [6, 'ioctl', 'errno(EPERM)'],
      [7, 'clone', 'errno(EPERM)'],
    ]);
    expect(stopped[0]).toMatchObject({ pid: 12346, rule: undefined, guessed: false });
    expect(stopped[1]?.rule?.text).toContain('TIOCSTI');
    expect(stopped[1]).toMatchObject({ guessed: true });
  });

  it('groups the calls by name and suggests rules that allow them', () => {
    const more = `${log}12345 socket(AF_VSOCK, SOCK_DGRAM, 0) = 3\n12345 mount("a", "b", "c", 0, NULL) = -1\n`;
    const { groups } = replay({ builtin: 'default' }, more);
    expect(
      groups.map(({ name, count, actions, suggestion }) => [name, count, actions, suggestion]),
    ).toEqual([
      ['socket', 2, ['errno(EPERM)'], 'allow socket where domain == AF_VSOCK'],
      ['ioctl', 1, ['errno(EPERM)'], 'allow ioctl where request == TIOCSTI'],
      ['clone', 1, ['errno(EPERM)'], 'allow clone where flags == 0x10000011'],
      ['mount', 1, ['errno(EPERM)'], 'allow mount'],
    ]);
    const rules = groups.map(({ suggestion }) => suggestion).join('\n');
    const text = `${rules}\ninclude "default"\n`;
    expect(replay({ text }, more).stopped).toEqual([]);
    expect(simulate({ text }, { call: 'ioctl', args: [0, 'TIOCLINUX'] }).actionText).toBe(
      'errno(EPERM)',
    );
    expect(simulate({ text }, { call: 'clone', args: ['CLONE_NEWUSER'] }).actionText).toBe(
      'errno(EPERM)',
    );
  });

  it('suggests no values that the log does not show', () => {
    const text = 'default errno(EPERM)';
    const said = replay({ text }, 'ioctl(0, MADE_UP, 0) = 0\nioctl(0, TCGETS, 0) = 0\n');
    expect(said.groups.map(({ suggestion }) => suggestion)).toEqual(['allow ioctl']);
  });

  it('reads negative numbers and signals', () => {
    const text = 'deny kill where pid == -1 and sig == SIGTERM\nallow kill\n';
    expect(replay({ text }, log).stopped.filter(({ name }) => name === 'kill')).toHaveLength(1);
    const other = 'deny kill where pid == -2\ndefault allow\n';
    expect(replay({ text: other }, log).stopped).toEqual([]);
  });

  it('counts the lines that strace does not write', () => {
    expect(replay({ builtin: 'default' }, log)).toMatchObject({
      unread: 0,
      firstUnread: undefined,
    });
    const others = [
      'strace: Process 12346 attached',
      '     0.000012 read(0, "", 1) = 0',
      ' > /usr/lib/libc.so.6(__read+0xd) [0x10e1ad]',
      '12345 <... futex resumed>) = ? ERESTARTSYS',
      '12345 10:11:12 --- SIGCHLD {si_signo=SIGCHLD} ---',
      '',
    ].join('\n');
    expect(replay({ builtin: 'default' }, others)).toMatchObject({ calls: 1, unread: 0 });
    const torn = `${log}total nonsense\nEXECVE(1) = 0\n`;
    expect(replay({ builtin: 'default' }, torn)).toMatchObject({
      calls: 8,
      unread: 2,
      firstUnread: log.split('\n').length,
    });
  });

  it('survives a log that is none', () => {
    expect(replay({ builtin: 'default' }, '').calls).toBe(0);
    expect(replay({ builtin: 'default' }, 'read(((((\nopen("\\\n\u0000').calls).toBe(2);
  });
});
