/** Nothing is done to a process by its number: only addon/supervisor/pin.c turns a number into a descriptor. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const addon = new URL('../../../addon/', import.meta.url);

/** Calls and files that take a process by its number, or a file of /proc by one. */
const byNumber = new RegExp(
  [
    'process_vm_\\w+',
    'pidfd_open',
    'pidfd_getfd',
    'process_madvise',
    '"/proc/%',
    '(?:SYS|__NR)_(?:kill|tkill|tgkill|sched_set\\w+|setpriority|ioprio_set|prlimit64|ptrace)\\b',
    '\\b(?:kill|tgkill|ptrace|sched_setaffinity|setpriority|prlimit)\\(',
  ].join('|'),
);

/** Lines that name no other process: the caller itself, its group, or a text that is only compared. */
const exceptions = [
  'snprintf(own, sizeof own, "/proc/%u/fd/", caller->call->pid);', // compared with what the payload wrote
  'syscall(SYS_kill, 0, SIGTSTP);', // this program's own group
  'syscall(SYS_prlimit64, 0, RLIMIT_NOFILE', // this process
  'sys4(__NR_prlimit64, 0, ',
  'sys2(__NR_kill, pids[i], 0)', // no signal: whether a process that cleans up is still there
  '__NR_setpriority, 1, 0, OWN_PROCESS', // rows of calls that the payload makes on itself
  '{__NR_sched_set',
  '{__NR_prlimit64, 0, NONE, 0}',
  'data->nr == __NR_prlimit64',
  'sys2(__NR_kill, making->pid, SIGKILL);', // the engine: a child that is not reaped yet
  'sys2(__NR_kill, sys0(__NR_getpid), SIGTSTP);',
];

const withoutComments = (text: string) =>
  text.replaceAll(/\/\*.*?\*\//gs, (comment) => comment.replaceAll(/[^\n]/g, ''));

function violations(folder: string, name: string, text: string): string[] {
  return withoutComments(text)
    .split('\n')
    .map((line, at) => `${folder}/${name}:${at + 1}: ${line.trim()}`)
    .filter((line) => byNumber.test(line) && !exceptions.some((one) => line.includes(one)));
}

function sources(folder: string): [string, string][] {
  return readdirSync(new URL(folder, addon))
    .filter((name) => /\.[ch]$/.test(name) && !name.includes('.generated.'))
    .map((name) => [name, readFileSync(new URL(`${folder}/${name}`, addon), 'utf8')]);
}

test.each(['supervisor', 'net', 'rundir', 'fastpath'])(
  'addon/%s acts on other processes through pin.c alone',
  (folder) => {
    const all = sources(folder).filter(([name]) => name !== 'pin.c');
    expect(all.length).toBeGreaterThan(3);
    expect(all.flatMap(([name, text]) => violations(folder, name, text))).toEqual([]);
  },
);

test('the check finds each way to act by number, pin.c’s own among them', () => {
  const lines = [
    'process_vm_writev((pid_t)pid, &local, 1, &remote, 1, 0);',
    'snprintf(path, sizeof path, "/proc/%u/mem", pid);',
    'int pidfd = (int)syscall(SYS_pidfd_open, thread, 0);',
    'syscall(SYS_sched_setaffinity, known[i].pid, size, others);',
    'kill(pid, SIGKILL);',
  ];
  for (const line of lines) expect(violations('x', 'y.c', line), line).toHaveLength(1);
  const pin = sources('supervisor').find(([name]) => name === 'pin.c');
  expect(violations('supervisor', 'pin.c', pin?.[1] ?? '').length).toBeGreaterThan(2);
});
