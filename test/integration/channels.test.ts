/**
 * Every package manager: install, run, run again, run as another user. Each start goes through the native command,
 * which execve(2) shows; the second one, of an ordinary user, through nothing else. Nothing in the installation
 * changes. The package managers come from the npm registry.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { channels, type Place } from '../support/channels.js';
import { everyone, type Identity, identities, stateOf } from '../support/identity.js';
import { needs } from '../support/needs.js';
import { pass } from '../support/packages.mjs';
import { makeProject } from '../support/project.js';
import { type Tools, toolsOf } from '../support/tools.js';
import { runProgram } from '../support/wasbox.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const isNative = (path: string): boolean => /\/native\/linux-\w+\/wasbox$/.test(path);
const isNode = (path: string): boolean => /\/node$/.test(path);

/** wasbox needs no other package, and npm shall not look for a newer npm. */
const quiet = { npm_config_offline: 'true', npm_config_update_notifier: 'false' };

/** Names, modes and contents below a directory. */
function fingerprint(directory: string): Record<string, string> {
  const all: Record<string, string> = {};
  const names = fs.readdirSync(directory, { recursive: true, encoding: 'utf8' });
  for (const name of ['.', ...names]) {
    const path = join(directory, name);
    const stat = fs.lstatSync(path);
    const content = stat.isFile() ? fs.readFileSync(path) : '';
    all[name] = `${stat.mode.toString(8)} ${createHash('sha256').update(content).digest('hex')}`;
  }
  return all;
}

describe.each(identities())('installed by $label', (as) => {
  let tools: Tools;
  let tarball: string;

  beforeAll(() => {
    tools = toolsOf(as);
    const directory = makeProject(as, {}, 'pack');
    const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', directory];
    const [packed] = JSON.parse(execFileSync('npm', args, { cwd: root, encoding: 'utf8' }));
    tarball = join(directory, packed.filename);
    fs.chmodSync(tarball, 0o644);
    fs.chmodSync(as.scratch, 0o711); // others pass through
  });

  /** Runs hello.py in a directory of the user's; returns what was executed from the native command on. */
  async function trace(who: Identity, command: string[], cwd: string, env: Record<string, string>) {
    const log = join(makeProject(who, {}, 'trace'), 'log');
    const strace = [
      'strace',
      '-f',
      '--seccomp-bpf',
      '-qq',
      '-s',
      '4096',
      '-e',
      'trace=execve',
      '-o',
      log,
    ];
    const words = ['run', '-q', '--discard', 'hello.py'];
    const run = await runProgram([...strace, ...command, ...words], { as: who, cwd, env });
    expect([run.out.trimEnd().split('\n').at(-1), run.status], run.err).toEqual(['packed', 0]);
    const text = fs.readFileSync(log, 'utf8');
    const programs = [...text.matchAll(/execve\("([^"]*)".* = 0$/gm)].map(([, path = '']) => path);
    const native = programs.findIndex(isNative);
    expect(native, programs.join('\n')).toBeGreaterThanOrEqual(0);
    return programs.slice(native);
  }

  const tryChannel = async (name: string) => {
    const channel = channels[name];
    if (channel === undefined) throw new Error(name);
    const files = {
      'package.json': '{"private":true,"name":"p"}',
      'hello.py': 'print("packed")\n',
    };
    const project = makeProject(as, { ...files, ...channel.files });
    const place: Place = { project, tarball, tools };
    const home = makeProject(as, {}, 'home');
    const env = { HOME: home, ...quiet, ...channel.env?.(place) };
    const does = async (argv: string[]): Promise<string> => {
      const run = await runProgram(argv, { as, cwd: project, env });
      expect(run.status, `${argv.join(' ')}\n${run.out}${run.err}`).toBe(0);
      return run.out;
    };
    for (const argv of channel.install(place)) await does(argv);
    const command = channel.command(place);
    const shown = await does([...command, '--version', '--verbose']);
    const installed = /^installed in: (.*)$/m.exec(shown)?.[1] ?? '';
    const before = fingerprint(installed);

    await trace(as, command, project, env);
    const again = await trace(as, command, project, env);
    // Root's starts are Node's.
    if (as.uid !== 0 && channel.changingEnvironment !== true)
      expect(again.filter(isNode)).toEqual([]);

    const other = everyone().find(({ uid }) => uid !== as.uid);
    if (channel.shared && other !== undefined) {
      const own = makeProject(other, files);
      const state = { XDG_STATE_HOME: stateOf(other) };
      await trace(other, command, own, state);
      const second = await trace(other, command, own, state);
      if (other.uid !== 0) expect(second.filter(isNode)).toEqual([]);
    }

    expect(fingerprint(installed)).toEqual(before);
    for (const argv of channel.check?.(place) ?? []) await does(argv);
    // The scratch directory can be removed then.
    execFileSync('chmod', ['-R', 'u+w', project]);
  };

  // CI tries as root what root installs for all users, and as the ordinary user one of each layout.
  const isTried = (name: string) =>
    pass === 'root'
      ? name.includes('global')
      : pass !== 'user' || channels[name]?.like === undefined;
  const names = Object.keys(channels);
  test.each(names.filter(isTried))('%s', tryChannel);
  needs('nightly run').test.each(names.filter((name) => !isTried(name)))('%s', tryChannel);
});
