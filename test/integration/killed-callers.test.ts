/**
 * wasbox is killed while its program makes calls that the supervisor answers: none of them fails before the program
 * ends. The program writes what it saw to the host. In the control the process that holds the listener is killed first.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isolatedIdentities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { startWasbox } from '../support/wasbox.js';

/** Renames and sets modes as often as it can, in several processes, and notes what fails. Each isolation asks about one. */
const code = `
import os, sys
seen = os.open(sys.argv[1] + '/seen', os.O_WRONLY | os.O_APPEND)
for n in range(3):
    if os.fork() == 0:
        break
    n = 3
os.mkdir('d%d' % n)
if n == 3:
    print('ready', flush=True)
while True:
    for a, b in (('d', 'e'), ('e', 'd')):
        try:
            os.rename('%s%d' % (a, n), '%s%d' % (b, n))
            os.chmod('%s%d' % (b, n), 0o700)
        except OSError as error:
            os.write(seen, b'%d\\n' % error.errno)
`;

const name = 'wasbox-holder';

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
  before?: (pid: number) => void,
  isEnough = (_seen: readonly string[]): boolean => false,
): Promise<string[]> {
  const seen: string[] = [];
  for (let i = 0; i < count && !isEnough(seen); i++) {
    const cwd = makeProject(as, {});
    const place = makeProject(as, { seen: '' });
    const words = ['run', '-q', '--discard', '--rw', place, '--', 'python3', '-c', code, place];
    const child = startWasbox(words, { as, cwd, stdio: ['ignore', 'pipe', 'inherit'] });
    const closed = new Promise((resolve) => child.once('close', resolve));
    try {
      const isReady = new Promise((resolve) => child.stdout?.once('data', () => resolve(true)));
      expect(await Promise.race([isReady, closed])).toBe(true);
      // The kernel's own way, before wasbox has the listener, is not meant.
      for (let tries = 0; as.isolation === 'namespaces' && tries < 1000; tries++) {
        if (childrenOf(child.pid ?? 0).length > 0) break;
        await later(1);
      }
      await later(i % 10);
      before?.(child.pid ?? 0);
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
    expect(await seenBy(as, Number(process.env.WASBOX_KILLS ?? 20))).toEqual([]);
  },
);

test.each(isolatedIdentities().filter(({ isolation }) => isolation === 'namespaces'))(
  'control: without the holder of the listener calls fail, as $label',
  async (as) => {
    const killHolder = (pid: number): void => {
      const holders = childrenOf(pid);
      expect(holders).toHaveLength(1);
      for (const holder of holders) process.kill(holder, 'SIGKILL');
    };
    const seen = await seenBy(as, 1500, killHolder, ({ length }) => length > 0);
    expect(new Set(seen)).toEqual(new Set(['38']));
  },
);
