/**
 * Attack 69: one notification that never ends. The payload has the supervisor look at a path on a file system that does
 * not answer any more (bindfs, stopped). Limits, time and signals go on meanwhile; the control is the same payload
 * while the file system answers. Needs FUSE, and root to mount it for another user.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RunReport } from '../../src/report/index.js';
import { eventually, processesWith, uniqueMarker } from '../support/host.js';
import { ordinaryUser } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { makeProject } from '../support/project.js';
import { ended, type StartOptions, startWasbox } from '../support/wasbox.js';

const as = ordinaryUser();

/** Returns whether each of its threads is stopped. */
const isStopped = (pid: number) =>
  fs
    .readdirSync(`/proc/${pid}/task`)
    .every((one) => / T /.test(fs.readFileSync(`/proc/${pid}/task/${one}/stat`, 'utf8')));

/** The call that the supervisor makes in the payload's place, or looks at before it refuses it. */
const calls = { namespaces: 'os.chown(path, 1, 1)', landlock: 'os.chmod(path, 0o600)' } as const;

needs('root', 'bindfs').describe.each(['namespaces', 'landlock'] as const)(
  'a path that does not come back, with %s isolation',
  (isolation) => {
    let place = '';
    let daemon: ChildProcess;
    beforeEach(async () => {
      place = makeProject(as, { 'low/file': 'x', 'shown/': '' }, 'hung');
      const paths = [join(place, 'low'), join(place, 'shown')];
      daemon = spawn('bindfs', ['-f', '-o', 'allow_other', ...paths], { stdio: 'inherit' });
      expect(await eventually(() => fs.existsSync(join(place, 'shown/file')))).toBe(true);
    });
    afterEach(() => {
      daemon.kill('SIGCONT');
      spawnSync('umount', ['-l', join(place, 'shown')]);
      daemon.kill('SIGKILL');
    });

    /** Starts the payload, and stops the file system once it runs, if that is wanted. */
    const start = async (options: readonly string[], code: string, stops = true) => {
      const cwd = makeProject(as);
      const report = join(cwd, 'report.json');
      const marker = uniqueMarker();
      const path = join(place, 'shown/file');
      const script = `import os, sys, time, threading
path = ${JSON.stringify(path)}
def call():
    try: ${calls[isolation]}
    except OSError: pass
print('ready', flush=True)
sys.stdin.readline()
threading.Thread(target=call, daemon=True).start()
time.sleep(0.5)
print('begun', flush=True)
${code}`;
      const shown = ['--isolation', isolation, '--rw', join(place, 'shown'), '--report', report];
      const argv = ['--', '/usr/bin/python3', '-c', script, marker];
      const how: StartOptions = { as, cwd, timeoutMs: 60_000 };
      const child = startWasbox(['run', '-q', '--discard', ...shown, ...options, ...argv], how);
      let out = '';
      child.stdout?.on('data', (text) => {
        out += text;
      });
      const says = (word: string) => eventually(() => out.includes(word), 30_000);
      expect(await says('ready')).toBe(true);
      if (stops) {
        daemon.kill('SIGSTOP');
        // A request that it has taken already can no longer be given up, not even by SIGKILL. fuse_dev.c
        expect(await eventually(() => isStopped(daemon.pid ?? 0))).toBe(true);
      }
      child.stdin?.write('go\n');
      const over = ended(child, how); // it closes stdin
      expect(await says('begun')).toBe(true);
      return { child, over, report, marker, earlier: out };
    };
    const outcomeOf = (report: string) =>
      (JSON.parse(fs.readFileSync(report, 'utf8')) as RunReport).outcome;

    test('a time limit ends the run, and nothing stays behind', async () => {
      const { over, report, marker, earlier } = await start(
        ['--timeout', '5s'],
        'time.sleep(1000)',
      );
      const run = await over;
      expect(run.status, run.err).toBe(124);
      expect(earlier).toBe('ready\nbegun\n');
      expect(outcomeOf(report)).toMatchObject({ kind: 'timeout' });
      expect(await eventually(() => processesWith(marker).length === 0)).toBe(true);
    });

    test('a limit on memory ends the run', async () => {
      const code = `kept = []
while True: kept.append(b'x' * (1 << 20))`;
      const { over, report } = await start(['--memory', '200M', '--timeout', '50s'], code);
      const run = await over;
      expect(run.status, run.err).not.toBe(124);
      expect(outcomeOf(report)).toMatchObject({ limit: 'memory' });
    });

    test('a second SIGINT ends the run', async () => {
      const code = `import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
print('deaf', flush=True)
time.sleep(1000)`;
      const { child, over } = await start(['--timeout', '50s'], code);
      // Two that come at once are one to the kernel.
      const again = setInterval(() => child.kill('SIGINT'), 200);
      const run = await over.finally(() => clearInterval(again));
      expect([run.status, run.signal]).not.toContain(124);
    });

    test('the same payload ends by itself while the file system answers', async () => {
      const run = await (await start(['--timeout', '50s'], 'print("end")', false)).over;
      expect([run.status, run.out.endsWith('end\n')], run.err).toEqual([0, true]);
    });
  },
);

/**
 * The places that the supervisor looks at for its limits can hold it up as well. Here the file system of the layers
 * does, of which it asks how full it is; memory maps and lists of descriptors wait for locks of the payload's own.
 */
needs('root', 'bindfs').test(
  'a look at what a run uses that does not come back delays no time limit',
  async () => {
    const place = makeProject(as, { 'low/': '', 'state/': '' }, 'looked-at');
    const state = join(place, 'state');
    const daemon = spawn('bindfs', ['-f', '-o', 'allow_other', join(place, 'low'), state]);
    try {
      fs.writeFileSync(join(place, 'low/mounted'), '');
      expect(await eventually(() => fs.existsSync(join(state, 'mounted')))).toBe(true);
      const marker = uniqueMarker();
      const code = `print("ready", flush=True)
while True: pass`;
      const limits = ['--timeout', '5s', '--disk', '100M', '--isolation', 'landlock'];
      const argv = [
        'run',
        '-q',
        '--discard',
        ...limits,
        '--',
        '/usr/bin/python3',
        '-c',
        code,
        marker,
      ];
      const how = { as, cwd: makeProject(as), env: { XDG_STATE_HOME: state }, timeoutMs: 60_000 };
      const child = startWasbox(argv, how);
      let out = '';
      child.stdout?.on('data', (text) => {
        out += text;
      });
      expect(await eventually(() => out.includes('ready'), 20_000)).toBe(true);
      daemon.kill('SIGSTOP');
      expect(await eventually(() => isStopped(daemon.pid ?? 0))).toBe(true);
      const isProgram = (pid: number) => {
        try {
          return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('/usr/bin/python3');
        } catch {
          return false; // it has ended since it was listed
        }
      };
      const runs = () => processesWith(marker).some(isProgram);
      expect(runs()).toBe(true);
      expect(await eventually(() => !runs(), 15_000)).toBe(true);
      expect(isStopped(daemon.pid ?? 0)).toBe(true);
      daemon.kill('SIGCONT');
      expect((await ended(child, how)).status).toBe(124);
    } finally {
      daemon.kill('SIGCONT');
      spawnSync('umount', ['-l', state]);
      daemon.kill('SIGKILL');
    }
  },
);
