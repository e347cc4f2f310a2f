/**
 * Attack 68: a caller is killed and reaped while the supervisor acts for it, and a process of the host gets its
 * number. The oracle is that process: its memory, its epolls, its descriptors, processors and limits. Each step of the
 * supervisor is made slow, in the control as well, whose only difference is that it acts by number; a step that finds
 * its caller gone waits until the process of the host is there.
 *
 * Needs root, who may choose a process's number.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addonFolder, buildNative } from '../../addon/build.mjs';
import { addonObjects } from '../../addon/targets.mjs';
import { builtDist } from '../support/built.mjs';
import { everyone, type Identity } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { pass } from '../support/packages.mjs';

// The three rows take a minute in CI, and half an hour each at night.
const seconds = Number(process.env.WASBOX_RACE_SECONDS ?? (pass === undefined ? 15 : 20));
const controlSeconds = 180;

/** How many calls the supervisor acts on. */
const calls = { landlock: 16, namespaces: 12 };

/** One call instead of all that the supervisor acts on, by its name in race.c. */
const only = process.env.WASBOX_RACE_CALL ?? '';

const root = fileURLToPath(new URL('../..', import.meta.url));
const here = join(root, 'test/attacks/pins');
const native = `native/${process.platform}-${process.arch}`;
const slowed = ['wb_pin_copy', 'wb_pin_write', 'wb_pin_take', 'wb_pin_pidfd', 'wb_pin_text'];

const directory = fs.mkdtempSync(join(tmpdir(), 'wasbox-pins-'));
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

const path = (name: string) => join(directory, name);
const compile = (source: string, name: string) => {
  const folder = `-DFOLDER=${JSON.stringify(directory)}`;
  execFileSync('gcc', ['-c', '-O2', folder, '-fPIC', '-std=gnu17', '-o', path(name), source]);
  return path(name);
};

/** A build of the package whose addon has these pins, each step of them slow. */
function install(name: string, objects: readonly string[], pins: string): void {
  fs.cpSync(builtDist, path(name), { recursive: true });
  const slow = compile(join(here, 'slow.c'), `${name}-slow.o`);
  execFileSync('g++', [
    ...['-shared', '-s', '-nodefaultlibs', '-Wl,-z,nodelete'],
    `-Wl,--version-script=${join(root, 'addon/src/exports.map')}`,
    ...slowed.map((one) => `-Wl,--wrap=${one}`),
    ...['-o', join(path(name), native, 'wasbox.node')],
    ...[...objects, compile(pins, `${name}-pins.o`), slow, '-lgcc'],
  ]);
}

/** Runs both sides in a pid namespace; returns what became of the host's processes, and the tries. */
function race(as: Identity, build: string, isolation: 'namespaces' | 'landlock', time: number) {
  const results = path('results');
  fs.writeFileSync(results, '');
  fs.chownSync(results, as.uid, as.gid);
  for (const name of ['orders', 'ready']) {
    fs.rmSync(path(name), { force: true });
    execFileSync('mkfifo', ['-m', '666', path(name)]);
  }
  const cwd = fs.mkdtempSync(join(as.scratch, 'race-'));
  fs.chownSync(cwd, as.uid, as.gid);
  const user = `setpriv --reuid ${as.uid} --regid ${as.gid} --clear-groups`;
  const clean = `env -i PATH=/usr/bin:/bin HOME=${as.home} XDG_STATE_HOME=${cwd}/../state-${process.pid}`;
  const ways = {
    landlock: ['--net example.com', `landlock ${time} ${only}`],
    namespaces: ['--net localhost:7477', `namespaces ${time} 7477 ${only}`],
  };
  const [net, payload] = ways[isolation];
  const options = `run -q --discard --timeout ${time + 60}s --isolation ${isolation} ${net} --ro ${path('race')}`;
  const script = `
    ip link set lo up
    python3 -c "
import socket
s = socket.create_server(('127.0.0.1', 7477), backlog=1000)
while True: s.accept()[0].close()" &
    cd ${cwd}
    ${path('race')} victims ${directory} ${as.uid} ${as.gid} ${time} & victims=$!
    ${user} ${clean} ${process.execPath} ${path(build)}/cli.js ${options} -- ${path('race')} ${payload} & run=$!
    wait $victims
    ! grep -q ^hit ${results} || kill $run
    wait $run`;
  const { stdout, stderr } = spawnSync(
    'unshare',
    ['--pid', '--net', '--fork', '--mount-proc', '--kill-child', 'bash', '-c', script],
    { encoding: 'utf8' },
  );
  const lines = fs.readFileSync(results, 'utf8').split('\n');
  fs.rmSync(cwd, { recursive: true, force: true });
  const tries = [...stdout.matchAll(/^tries (\S+) (\d+)$/gm)].map(([, name, n]) => [
    name,
    Number(n),
  ]);
  const hits = lines.filter((line) => line.startsWith('hit'));
  return { hits, lines, said: stdout + stderr, tries: Object.fromEntries(tries) };
}

/** Root's payload with Landlock isolation has a uid of its own, and the supervisor with it: nothing of root's is hit. */
const cases = everyone().flatMap((as) =>
  (['namespaces', 'landlock'] as const)
    .filter((isolation) => as.label !== 'root' || isolation === 'namespaces')
    .map((isolation) => ({ as, label: as.label, isolation })),
);

needs('root').describe('a caller that is killed while the supervisor acts for it', () => {
  beforeAll(() => {
    fs.chmodSync(directory, 0o755);
    execFileSync('gcc', ['-O2', '-Wall', '-o', path('race'), join(here, 'race.c')]);
    buildNative(process.arch);
    const objects = addonObjects(addonFolder(process.arch), ['supervisor/pin.c']);
    install('real', objects, join(root, 'addon/supervisor/pin.c'));
    install('by-number', objects, join(here, 'by_number.c'));
  });

  test.each(cases)(
    'never hits the process that gets its number: $isolation, as $label',
    { timeout: (seconds + controlSeconds + 240) * 1000 },
    ({ as, isolation }) => {
      const real = race(as, 'real', isolation, seconds);
      if (process.env.WASBOX_RACE_SECONDS) process.stderr.write(`${JSON.stringify(real)}\n`);
      expect(real.hits, real.said).toEqual([]);
      expect(Object.keys(real.tries).length, real.said).toBe(only ? 1 : calls[isolation]);
      const control = race(as, 'by-number', isolation, controlSeconds);
      expect(control.hits.length, control.said + control.lines.join(' ')).toBeGreaterThan(0);
    },
  );
});
