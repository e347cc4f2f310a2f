/**
 * wasbox is killed while its program makes calls that the supervisor answers: none of them fails before the program
 * ends. The program writes what it saw to the host. In the control init, which holds the listener too, is killed with it.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isolatedIdentities } from '../support/identity.js';
import { compilePayload } from '../support/payload.js';
import { makeProject } from '../support/project.js';
import { strikeArgv, struckBy } from '../support/strike.js';
import { runProgram, startWasbox, wasboxArgv } from '../support/wasbox.js';

const name = 'wasbox-init';

/** Direct children of a process by name. */
function childrenOf(pid: number): number[] {
  const text = (path: string) => {
    try {
      return fs.readFileSync(path, 'utf8').trim();
    } catch {
      return ''; // the process or thread has ended
    }
  };
  return fs
    .readdirSync(`/proc/${pid}/task`)
    .flatMap((task) => text(`/proc/${pid}/task/${task}/children`).split(' '))
    .filter((child) => child !== '' && text(`/proc/${child}/comm`) === name)
    .map(Number);
}

const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Kills runs, each at another moment. Returns the errnos that the programs saw. */
async function seenBy(
  as: ReturnType<typeof isolatedIdentities>[number],
  count: number,
  before?: (pid: number) => Promise<void>,
  isEnough = (_seen: readonly string[]): boolean => false,
): Promise<string[]> {
  const seen: string[] = [];
  const program = compilePayload(as, 'answered_calls', makeProject(as, {}));
  for (let i = 0; i < count && !isEnough(seen); i++) {
    const cwd = makeProject(as, {});
    fs.copyFileSync(program, join(cwd, 'answered_calls'));
    const place = makeProject(as, { seen: '' });
    const command = ['./answered_calls', join(place, 'seen')];
    const words = ['run', '-q', '--discard', '--rw', place, '--', ...command];
    const stdio = ['ignore', 'pipe', 'inherit'] as const;
    const child = startWasbox(words, { as, cwd, stdio: [...stdio], detached: true });
    const closed = new Promise((resolve) => child.once('close', resolve));
    try {
      const isReady = new Promise((resolve) => child.stdout?.once('data', () => resolve(true)));
      expect(await Promise.race([isReady, closed])).toBe(true);
      await later(i % 10);
      await before?.(child.pid ?? 0);
    } finally {
      child.kill('SIGKILL');
    }
    await closed; // the program had its output, too
    const noted = fs.readFileSync(join(place, 'seen'), 'utf8').split('\n');
    seen.push(...noted.filter((errno) => errno !== ''));
  }
  return seen;
}

/** Root's payload has ids of its own with Landlock, and cannot write what is root's: it has nothing to note. */
const noting = isolatedIdentities().filter(
  ({ uid, isolation }) => uid !== 0 || isolation === 'namespaces',
);

test.each(noting)(
  'no call of a program fails because wasbox is killed, as $label with $isolation',
  async (as) => {
    expect(await seenBy(as, Number(process.env.WASBOX_KILLS ?? 10))).toEqual([]);
  },
);

/** The program's processes are in a session of their own. */
test.each(noting.filter(({ isolation }) => isolation === 'namespaces'))(
  "no call of a program fails because wasbox's process group is killed, as $label",
  async (as) => {
    const killGroup = async (pid: number): Promise<void> => {
      process.kill(-pid, 'SIGKILL');
    };
    expect(await seenBy(as, 10, killGroup)).toEqual([]);
  },
);

const inNamespaces = isolatedIdentities().filter(({ isolation }) => isolation === 'namespaces');

/** It makes a call that is answered, once it has said so, and notes how that call fails. */
const first = `
import os, sys
os.mkdir('d')
os.close(os.open(sys.argv[1] + '/begun', os.O_WRONLY | os.O_CREAT, 0o666))
try:
    os.rename('d', 'e')
except OSError as error:
    os.write(os.open(sys.argv[1] + '/seen', os.O_WRONLY), b'%d\\n' % error.errno)
`;

test.each(inNamespaces)(
  'no call of a program fails because wasbox is killed before it has taken the listener, as $label',
  async (as) => {
    const count = join(makeProject(as, {}, 'count'), 'calls');
    // A program whose calls are left without an answer sees ENOSYS once in four times.
    for (let i = 0; i < 8; i++) {
      const cwd = makeProject(as, {});
      const place = makeProject(as, { seen: '' });
      const words = ['run', '-q', '--discard', '--rw', place, '--', 'python3', '-c', first, place];
      // Init's first event is the listener.
      const strike = { signal: 9, at: 1, call: 'recvmsg', until: join(place, 'begun') };
      await runProgram(strikeArgv(as, strike, count, wasboxArgv(as, words)), { as, cwd });
      expect(struckBy(count).call).toContain('call');
      expect(fs.existsSync(join(place, 'begun'))).toBe(true);
      expect(fs.readFileSync(join(place, 'seen'), 'utf8')).toBe('');
    }
  },
);

test.each(inNamespaces)(
  'a sandbox whose init is stopped ends with wasbox, as $label',
  async (as) => {
    const words = ['run', '-q', '--discard', '--', 'sh', '-c', 'echo ready; exec sleep 1000'];
    const stdio = ['ignore', 'pipe', 'inherit'] as const;
    const child = startWasbox(words, { as, cwd: makeProject(as, {}), stdio: [...stdio] });
    const closed = new Promise((resolve) => child.once('close', resolve));
    try {
      await new Promise((resolve) => child.stdout?.once('data', resolve));
      const [init = 0] = childrenOf(child.pid ?? 0);
      process.kill(init, 'SIGSTOP');
      child.kill('SIGKILL');
      await closed; // the program had its output, too
      await expect.poll(() => fs.existsSync(`/proc/${init}`), { timeout: 20_000 }).toBe(false);
    } finally {
      child.kill('SIGKILL');
    }
  },
);

test.each(inNamespaces)(
  'control: where init is killed at the same moment calls fail, as $label',
  async (as) => {
    const killInit = async (pid: number): Promise<void> => {
      const [init = 0] = childrenOf(pid);
      expect(init).toBeGreaterThan(0);
      process.kill(pid, 'SIGKILL');
      process.kill(init, 'SIGKILL');
    };
    const seen = await seenBy(as, 1500, killInit, ({ length }) => length > 0);
    expect(new Set(seen)).toEqual(new Set(['38']));
  },
);
