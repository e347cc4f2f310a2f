/** Clocks that are wrong, for programs that ask libc for the time: Node's do. Files get the kernel's times. */
import { existsSync } from 'node:fs';

/** The library in Debian's package faketime. */
const library = ['x86_64', 'aarch64']
  .map((processor) => `/usr/lib/${processor}-linux-gnu/faketime/libfaketimeMT.so.1`)
  .find((path) => existsSync(path));

/**
 * The environment of a program whose clock is `ms` ahead of the machine's, or behind it. Empty if it is right.
 * @throws if libfaketime is missing
 */
export function clockOf(ms: number): Record<string, string> {
  if (ms === 0) return {};
  if (library === undefined) throw new Error('there is no libfaketime: install faketime');
  return {
    LD_PRELOAD: library,
    FAKETIME: `${ms < 0 ? '' : '+'}${ms / 1000}s`,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    FAKETIME_DISABLE_SHM: '1',
    NO_FAKE_STAT: '1',
    FAKE_UTIME: '0',
  };
}
