/** Finds for `wasbox doctor` what images need of this machine, and where they are stored. */
import { statfsSync } from 'node:fs';
import { type Host, type HostFacts, isBefore } from '../host/index.js';
import { imagesDirectory } from '../image/index.js';
import type { Finding } from './run.js';

/** statfs(2). */
const fileSystems: Readonly<Record<number, string>> = {
  61267: 'ext4',
  1481003842: 'XFS',
  2435016766: 'Btrfs',
  16914836: 'tmpfs',
  801189825: 'ZFS',
  26985: 'NFS',
  2035054128: 'overlayfs',
  4076150800: 'F2FS',
};

const gibibyte = 2 ** 30;
/** A distribution with a language needs about as much. */
const fewBytes = 2 * gibibyte;
const subuidLimit = 1 << 20;

/** How many ids subuid(5) gives to the user. */
function subordinateIds({ files, uid, userById }: Host): number {
  const bytes = files.read('/etc/subuid', subuidLimit);
  const text = bytes === undefined ? '' : new TextDecoder().decode(bytes);
  const names = [String(uid), userById(uid)?.name];
  return text
    .split('\n')
    .map((line) => line.split(':'))
    .filter(([name]) => names.includes(name))
    .reduce((sum, [, , count = '']) => sum + (Number(count) || 0), 0);
}

/**
 * @param state the state directory, which is there
 * @param overlayErrno why overlayfs cannot be mounted here, or 0
 */
export function imagesFinding(
  host: Host,
  facts: HostFacts,
  state: string,
  overlayErrno: number,
): Finding {
  const name = 'images as the root (--image)';
  if (overlayErrno !== 0) {
    return { name, verdict: 'missing', detail: 'their layers need overlayfs in a user namespace' };
  }
  const { type, bavail, bsize } = statfsSync(state);
  const free = bavail * bsize;
  const ids = subordinateIds(host);
  const place = [
    imagesDirectory(state),
    `(${fileSystems[type] ?? `file system 0x${type.toString(16)}`}, ${(free / gibibyte).toFixed(1)} GiB free)`,
  ].join(' ');
  const inside = `one user ID inside${ids > 0 ? `; the ${ids} of /etc/subuid are not used` : ''}`;
  const detail = `stored in ${place}; ${inside}`;
  if (free < fewBytes) {
    return {
      name,
      verdict: 'degraded',
      detail: `little space: ${detail}`,
      fix: 'Remove images that you no longer need (wasbox image prune --all), or choose another disk:\n  export XDG_STATE_HOME=DIR',
    };
  }
  if (facts.kernel !== undefined && isBefore(facts.kernel, 6, 6)) {
    return {
      name,
      verdict: 'degraded',
      detail: `${detail}; their root cannot be made writable`,
      fix: '--cow / needs Linux 6.6 or newer.',
    };
  }
  return { name, verdict: 'good', detail };
}
