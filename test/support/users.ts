/**
 * Whom tests run wasbox as: whoever runs vitest and, under root, an ordinary user as well, because
 * root hides bugs. `.ci/run` makes that user; where it is missing, it is made here.
 */
import { spawnSync } from 'node:child_process';
import { chownSync, mkdirSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';

export interface TestUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  /** A directory that the user owns, outside of its home. */
  readonly scratch: string;
  readonly env: Readonly<Record<string, string>>;
  /** The command as this user runs it. */
  command(argv: readonly string[]): string[];
  /** Gives a path that the tests made to this user. */
  own(path: string): void;
}

const ordinaryName = 'wasbox-test';

/** A user's environment as after login, nothing of this machine's. */
const loginEnv = (name: string, home: string) => ({
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: home,
  USER: name,
  LOGNAME: name,
  SHELL: '/bin/bash',
  LANG: 'C.UTF-8',
  TERM: 'dumb',
});

function scratchOf(name: string, uid: number, gid: number): string {
  const path = `${tmpdir()}/wasbox-tests-${name}`;
  mkdirSync(path, { recursive: true, mode: 0o755 });
  if (process.getuid?.() === 0) chownSync(path, uid, gid);
  return path;
}

function self(): TestUser {
  const { username: name, uid, gid } = userInfo();
  const home = homedir();
  return {
    name,
    uid,
    gid,
    home,
    scratch: scratchOf(name, uid, gid),
    env: loginEnv(name, home),
    command: (argv) => [...argv],
    own: () => {},
  };
}

const id = (flag: string, name: string): number =>
  Number(spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout);

function ordinary(): TestUser {
  const name = ordinaryName;
  if (spawnSync('id', [name]).status !== 0) {
    const made = spawnSync('useradd', ['--create-home', '--shell', '/bin/bash', name]);
    // Two test files may try at once.
    if (made.status !== 0 && spawnSync('id', [name]).status !== 0) {
      throw new Error(`the ordinary user for the tests cannot be made: ${made.stderr}`);
    }
  }
  const uid = id('-u', name);
  const gid = id('-g', name);
  const home = `/home/${name}`;
  return {
    name,
    uid,
    gid,
    home,
    scratch: scratchOf(name, uid, gid),
    env: loginEnv(name, home),
    command: (argv) => [
      'setpriv',
      `--reuid=${uid}`,
      `--regid=${gid}`,
      '--init-groups',
      '--',
      ...argv,
    ],
    own: (path) => chownSync(path, uid, gid),
  };
}

/** The users to run each launch test as. */
export function testUsers(): TestUser[] {
  return process.getuid?.() === 0 ? [self(), ordinary()] : [self()];
}
