/** The part of node:os that the command line uses. */
import { userById } from '../accounts.js';
import { machine } from '../machine.js';
import { readFileSync } from './fs.js';

const { signals, errnos } = machine.system;

export const constants = { signals, errno: errnos };
export const release = (): string => machine.system.release();
export const tmpdir = (): string =>
  (process.env.TMPDIR ?? process.env.TMP ?? process.env.TEMP ?? '/tmp').replace(/(.)\/$/, '$1');

/** HOME, else the account's, as Node has it. */
export function homedir(): string {
  const { HOME } = process.env;
  if (HOME !== undefined) return HOME;
  const [uid] = machine.system.ids();
  return userById(uid)?.home ?? '/';
}

/** The processors' names, as /proc/cpuinfo has them. */
export function cpus(): { model: string }[] {
  const text = readFileSync('/proc/cpuinfo', 'latin1') as string;
  return text
    .split('\n\n')
    .filter((part) => /^processor\s*:/m.test(part))
    .map((part) => ({ model: /^model name\s*:\s*(.*)$/m.exec(part)?.[1] ?? 'unknown' }));
}

export const availableParallelism = (): number => cpus().length;

/** @throws where the user has no account */
export function userInfo() {
  const [uid] = machine.system.ids();
  const account = userById(uid);
  if (account === undefined) throw new Error(`no account of user ${uid}`);
  return {
    username: account.name,
    uid,
    gid: account.gid,
    homedir: account.home,
    shell: account.shell,
  };
}
