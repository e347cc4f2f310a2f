/** Why Landlock, or a part of it, is not there, and what to do about it. */
import { isBefore } from './advice.js';

/** The release of Linux that brought an ABI that something in wasbox needs: landlock(7). */
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
      fix: 'Add landlock to the list of lsm= on the kernel command line and boot again. The list now: cat /sys/kernel/security/lsm',
    };
  }
  return {
    why: abi === 0 ? `Linux ${kernel} has no Landlock` : `Linux ${kernel} has Landlock ABI ${abi}`,
    fix: `Linux ${since[needed]} or newer has ABI ${needed}, which this needs.`,
  };
}
