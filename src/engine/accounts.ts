/**
 * Accounts without getpwuid(3), which in a static program loads none of the modules that may have some:
 * those of /etc/passwd, else what getent(1) says.
 */
import { accountIn, type HostUser } from '../host/index.js';
import { machine } from './machine.js';
import { closeSync, existsSync, readFileSync } from './node/fs.js';

const local: ReadonlySet<string> = new Set(['files', 'compat', 'systemd']);

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8') as string;
  } catch {
    return '';
  }
}

/** The account in /etc/passwd; undefined where another source may have it, null where none has. */
export function localAccount(uid: number): HostUser | undefined | null {
  const account = accountIn(textOf('/etc/passwd'), uid);
  if (account !== undefined) return account;
  const line = /^passwd:(.*)$/m.exec(textOf('/etc/nsswitch.conf'))?.[1];
  const sources = line?.trim().split(/\s+/) ?? [];
  return sources.length > 0 && sources.every((source) => local.has(source)) ? null : undefined;
}

/** PATH is not asked: it may name a directory that others write to. */
const getent = ['/usr/bin/getent', '/bin/getent'];

/** Returns what a program writes to stdout; empty where it cannot be started. */
function outputOf(argv: readonly [string, ...string[]]): string {
  const pipe = machine.loop.pipe();
  if (typeof pipe === 'number') return '';
  const [reading, writing] = pipe;
  const pidfd = machine.loop.start(argv[0], argv, ['PATH=/usr/bin:/bin'], [0, writing, 2], '');
  closeSync(writing);
  try {
    return pidfd < 0 ? '' : (readFileSync(reading, 'utf8') as string);
  } finally {
    closeSync(reading);
    if (pidfd >= 0) machine.loop.ended(pidfd);
  }
}

export function userById(uid: number): HostUser | undefined {
  const account = localAccount(uid);
  if (account !== undefined) return account ?? undefined;
  const program = getent.find((path) => existsSync(path));
  if (program === undefined) return undefined;
  return accountIn(outputOf([program, 'passwd', String(uid)]), uid);
}
