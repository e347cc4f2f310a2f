/** Versions of Landlock's ABI that decide what a run can have, and why they are missing: landlock(7). */
import { isBefore } from './kernel.js';

/** The oldest ABI that wasbox uses: before it, Landlock would forbid moving files about. */
export const landlockMinimumAbi = 2;

/** The oldest ABI with which rules for the network can be kept. */
export const landlockNetworkAbi = 4;

/** The oldest ABI that can be the wall by itself: with it, signals and abstract sockets stay inside. */
export const landlockIsolationAbi = 6;

/** The Linux release that added an ABI which wasbox needs: landlock(7). */
const since = { 2: '5.19', 4: '6.7', 6: '6.12' } as const;

/**
 * @param abi what the kernel offers; 0 where landlock_create_ruleset(2) fails
 * @param kernel release of the kernel, as `uname -r` prints it
 */
export function landlockObstacle(
  abi: number,
  needed: keyof typeof since,
  kernel: string,
): { readonly why: string; readonly fix: string } {
  if (abi === 0 && !isBefore(kernel, 5, 13)) {
    return {
      why: 'Landlock is off in this kernel',
      fix: 'Add landlock to lsm= on the kernel command line and reboot. To see the current list: cat /sys/kernel/security/lsm',
    };
  }
  return {
    why: abi === 0 ? `Linux ${kernel} has no Landlock` : `Linux ${kernel} has Landlock ABI ${abi}`,
    fix: `Use Linux ${since[needed]} or newer, which has ABI ${needed}.`,
  };
}
