/** Two users with ids of their own, in a place that both can read: for tests that root makes. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Identity, ordinaryUser } from './identity.js';

/** The ids of Debian's `nobody`. */
const nobody = 65_534;

/** The ordinary user and another one, for one test. Each has a home, a scratch directory and an installation. */
export function neighbours(): [Identity, Identity] {
  const user = ordinaryUser();
  const shared = fs.mkdtempSync('/var/tmp/wasbox-neighbours-');
  fs.chmodSync(shared, 0o755);
  onTestFinished(() => {
    execFileSync('rm', ['-rf', shared]);
  });
  const dist = join(shared, 'dist');
  fs.cpSync(dirname(user.cli), dist, { recursive: true });
  fs.copyFileSync(join(dirname(user.cli), '../package.json'), join(shared, 'package.json'));
  const settle = (name: string, uid: number, gid: number): Identity => {
    const [home = '', scratch = ''] = ['home', 'scratch'].map((part) => {
      const path = join(shared, `${name}-${part}`);
      fs.mkdirSync(path, { mode: 0o755 });
      fs.chownSync(path, uid, gid);
      return path;
    });
    return { ...user, name, uid, gid, home, scratch, cli: join(dist, 'cli.js') };
  };
  return [settle(user.name, user.uid, user.gid), settle('nobody', nobody, nobody)];
}
