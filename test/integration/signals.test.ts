/** Signals to wasbox, with pipes: they go where a user expects, and a second one escalates. */
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { eventually, isAlive, processesWith, uniqueMarker, withSeconds } from '../support/host.js';
import { type Identity, identities } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { startProgram, startWasbox, wasboxArgv } from '../support/wasbox.js';

/** Says which signals came; ends with the last. */
const tells = `import os, signal, sys
def tell(number, _):
    os.write(1, (signal.Signals(number).name + "\\n").encode())
    if number == signal.SIGQUIT: sys.exit(5)
for name in sys.argv[1].split(): signal.signal(getattr(signal, name), tell)
os.write(1, b"ready\\n")
while True: signal.pause()
`;
/** Takes no notice of the signals. */
const ignores = `trap 'echo int' INT; trap '' TERM; echo ready; while :; do sleep 0.1; done`;

interface Heard {
  readonly child: ChildProcess;
  readonly text: () => string;
  /** Waits until it was written. */
  readonly hear: (what: string) => Promise<void>;
  readonly end: Promise<number | null>;
}

function listen(child: ChildProcess): Heard {
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const end = new Promise<number | null>((resolve) => {
    child.once('close', (status) => resolve(status));
  });
  const hear = async (what: string) => {
    if (!(await eventually(() => text.includes(what)))) throw new Error(`no ${what} in: ${text}`);
  };
  return { child, text: () => text, hear, end };
}

const start = (as: Identity, ...args: string[]): Heard =>
  listen(startWasbox(['run', '-q', '--discard', ...args], { as, cwd: makeProject(as) }));

function isStopped(pid: number): boolean {
  try {
    return /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false; // it is gone
  }
}

describe.each(identities())('a run as $label', (as) => {
  test('passes on what it is sent', async () => {
    const names = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGQUIT'];
    const run = start(as, '--', 'python3', '-c', tells, names.join(' '));
    await run.hear('ready\n');
    for (const name of names) {
      run.child.kill(name as NodeJS.Signals);
      await run.hear(`${name}\n`);
    }
    expect(await run.end).toBe(5);
    expect(run.text()).toBe(`ready\n${names.join('\n')}\n`);
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1'] as const)(
    'ends as the program does of %s',
    async (name) => {
      const run = start(as, '--', 'sh', '-c', 'ulimit -c 0; echo ready; exec sleep 300');
      await run.hear('ready');
      run.child.kill(name);
      expect(await run.end).toBe(128 + constants.signals[name]);
    },
  );

  test('stops with the program, and goes on with it', async () => {
    const marker = uniqueMarker();
    const argv = wasboxArgv(as, [
      ...['run', '-q', '--discard', '--', 'sh', '-c'],
      `echo ready; read line; echo "got $line"; exit 6`,
      marker,
    ]);
    // The job has a process group of its own, with a parent who could continue it.
    const job = `import os, subprocess, sys
p = subprocess.Popen(sys.argv[1:], preexec_fn=lambda: os.setpgid(0, 0))
print('job', p.pid, flush=True)
sys.exit(p.wait())`;
    const run = listen(startProgram(['python3', '-c', job, ...argv], { as, cwd: makeProject(as) }));
    await run.hear('ready\n');
    const leader = Number(/job (\d+)/.exec(run.text())?.[1]);
    const all = () => processesWith(marker).filter((pid) => pid !== run.child.pid);
    process.kill(leader, 'SIGTSTP');
    // wasbox itself, and the program: init alone goes on.
    expect(await eventually(() => isStopped(leader) && all().filter(isStopped).length >= 2)).toBe(
      true,
    );
    process.kill(leader, 'SIGCONT');
    expect(await eventually(() => all().filter(isStopped).length === 0)).toBe(true);
    run.child.stdin?.end('on\n');
    await run.hear('got on\n');
    expect(await run.end).toBe(6);
    expect(await eventually(() => all().every((pid) => !isAlive(pid)))).toBe(true);
  });

  test('ends a program that takes no notice of the second interrupt, after the grace', async () => {
    const marker = uniqueMarker();
    const report = join(as.scratch, `${marker}.json`);
    const run = start(
      as,
      '--report',
      report,
      '--grace',
      '200ms',
      '--',
      'sh',
      '-c',
      ignores,
      marker,
    );
    await run.hear('ready');
    run.child.kill('SIGINT');
    await run.hear('int');
    // One is the program's own business, for longer than the grace.
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(isAlive(run.child.pid ?? 0)).toBe(true);
    run.child.kill('SIGINT');
    expect(await run.end).toBe(128 + constants.signals.SIGKILL);
    const { outcome } = JSON.parse(readFileSync(report, 'utf8'));
    expect(outcome).toMatchObject({ kind: 'signaled', signal: 'SIGKILL', interrupted: true });
    expect(await eventually(() => processesWith(marker).length === 0)).toBe(true);
  });

  test('leaves a program that ends by itself after the second interrupt its time', async () => {
    const code = `trap 'n=$((n+1)); echo int $n' INT; n=0; echo ready
      while [ $n -lt 2 ]; do sleep 0.1; done; sleep 0.5; exit 9`;
    const run = start(as, '--grace', '60s', '--', 'bash', '-c', code);
    await run.hear('ready');
    run.child.kill('SIGINT');
    await run.hear('int 1');
    run.child.kill('SIGINT');
    expect(await run.end).toBe(9);
  });

  test('whose time is over ends with SIGTERM, or with SIGKILL after the grace', async () => {
    const polite = `trap 'echo clean; exit 3' TERM; echo ready; while :; do sleep 0.1; done`;
    const ofTime = async (code: string) => {
      const attempt = async (seconds: number) => {
        const run = start(as, '--timeout', `${seconds}s`, '--grace', '60s', '--', 'sh', '-c', code);
        return { status: await run.end, text: run.text() };
      };
      return withSeconds(attempt, ({ text }) => text.includes('ready'), [2, 10, 40]);
    };
    expect(await ofTime(polite)).toEqual({ status: 124, text: 'ready\nclean\n' });
    const second = start(as, '--timeout', '1s', '--grace', '100ms', '--', 'sh', '-c', ignores);
    expect(await second.end).toBe(124);
    // One that is stopped hears of it, too.
    expect((await ofTime('echo ready; kill -STOP $$; echo woken')).status).toBe(124);
  });
});
