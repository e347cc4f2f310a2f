/** A working directory, a store, and runs whose commands see a real overlay as init mounts it. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeDirectory } from '../../../src/changes/files/remove.js';
import { createRun, openStore, type Run, type Store } from '../../../src/changes/index.js';
import { loadNative } from '../../../src/native/locate.js';

export const { native } = loadNative();

export interface Fixture {
  readonly base: string;
  readonly workdir: string;
  readonly store: Store;
  dispose(): void;
}

/** Makes a home beside the working directory, which is then the user's; the caller puts HOME back. */
export function makeHome({ base }: Fixture): string {
  const home = join(base, 'home');
  mkdirSync(home);
  process.env.HOME = home;
  return home;
}

export function makeFixture(): Fixture {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'wasbox-changes-')));
  const workdir = join(base, 'work');
  mkdirSync(workdir);
  const store = openStore(native, { directory: join(base, 'state', 'wasbox') });
  return {
    base,
    workdir,
    store,
    dispose() {
      chmodSync(base, 0o700);
      removeDirectory(native, base);
    },
  };
}

const mount = [
  'mount -t overlay overlay -o "userxattr,lowerdir=$1,upperdir=$2,workdir=$3" "$1" || exit 99',
  'cd "$1" || exit 99',
  'shift 3',
  'exec "$@"',
].join('\n');

/** Runs a command in the working directory, copy-on-write. */
export function inOverlay(run: Run, command: readonly string[]): void {
  const args = ['-Urm', 'sh', '-c', mount, 'sh', run.record.workdir.path, run.upper, run.work];
  execFileSync('unshare', [...args, ...command], { stdio: ['ignore', 'ignore', 'pipe'] });
}

export function startRun(fixture: Fixture): Run {
  return createRun(fixture.store, {
    command: 'test',
    argv: ['test'],
    trees: [{ path: fixture.workdir }],
  });
}

/** A new run in which a shell script ran. */
export function runScript(fixture: Fixture, script: string): Run {
  const run = startRun(fixture);
  inOverlay(run, ['sh', '-ec', script]);
  return run;
}

/** Everything about a tree but inode numbers and the times of directories and links. */
export function snapshot(root: string, times = true): Record<string, string> {
  const out: Record<string, string> = {};
  const walk = (path: Buffer, name: string): void => {
    const stat = lstatSync(path, { bigint: true });
    let line = `${stat.mode.toString(8)} ${stat.uid}:${stat.gid}`;
    if (stat.isSymbolicLink()) line += ` -> ${readlinkSync(path, { encoding: 'latin1' })}`;
    if (stat.isFile()) {
      if (times) line += ` ${stat.mtimeNs}`;
      line += ` ${readFileSync(path).toString('latin1')}`;
    }
    out[name] = line;
    if (!stat.isDirectory()) return;
    for (const child of readdirSync(path, { encoding: 'buffer' }).sort(Buffer.compare)) {
      walk(Buffer.concat([path, Buffer.from('/'), child]), `${name}/${child.toString('latin1')}`);
    }
  };
  walk(Buffer.from(root), '');
  return out;
}
