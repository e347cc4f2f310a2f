// The user of run.mjs: a home, a state directory, projects, and both versions of wasbox.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';

/** @param ids of the user, where root starts this */
export function makePerson(work, packages, ids) {
  const home = join(work, 'home');
  const state = join(home, 'state');
  fs.mkdirSync(home);
  const settings = {
    env: {
      PATH: process.env.PATH,
      HOME: home,
      XDG_STATE_HOME: state,
      LANG: 'C.UTF-8',
      NO_COLOR: '1',
    },
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    ...ids,
  };
  if (ids !== undefined) fs.chownSync(home, ids.uid, ids.gid);
  const command = (version) =>
    join(packages[version], `dist/native/linux-${process.arch}`, 'wasbox');
  const shell = (script, ...words) =>
    execFileSync('sh', ['-ec', script, 'sh', ...words], { ...settings, cwd: home });
  return {
    home,
    state: join(state, 'wasbox'),
    shell,
    /** A directory with a file. */
    project(name) {
      shell('mkdir "$1"; echo old >"$1/edited"; echo old >"$1/removed"', name);
      return join(home, name);
    },
    /** Starts a version of wasbox; returns its status and what it printed. */
    start(version, cwd, ...words) {
      const { status, stdout, stderr } = spawnSync(command(version), words, { ...settings, cwd });
      return { status, stdout, stderr };
    },
    /** Does what `start` does; another status than 0 is an error. Returns what it printed. */
    good(version, cwd, ...words) {
      const { status, stdout, stderr } = this.start(version, cwd, ...words);
      if (status !== 0) throw new Error(`${version} ${words.join(' ')}: ${status}\n${stderr}`);
      return stdout;
    },
    /** IDs of the runs that a version lists. */
    ids(version) {
      const { runs } = JSON.parse(this.good(version, home, 'runs', '--json'));
      return runs.map(({ id }) => id).sort();
    },
    /** Returns what a version shows of each run. */
    diffs(version, ids) {
      return new Map(ids.map((id) => [id, this.good(version, home, 'diff', id)]));
    },
  };
}

/** Names, kinds, modes, times of changes and contents below a directory. */
export function fingerprint(path) {
  const how = ['-C', path, '--sort=name', '--numeric-owner', '--xattrs', '--format=posix'];
  // Reading sets the others.
  const times = '--pax-option=delete=atime,delete=ctime,exthdr.name=%f';
  const { stdout } = spawnSync('tar', [...how, times, '-cf', '-', '.'], { maxBuffer: 1 << 30 });
  return createHash('sha256').update(stdout).digest('hex');
}
