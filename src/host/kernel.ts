/** Releases of Linux, as `uname -r` prints them. */

/** Returns whether a release, as `uname -r` prints it, is older than Linux `major.minor`. */
export function isBefore(release: string | undefined, major: number, minor: number): boolean {
  const [, one, other] = /^(\d+)\.(\d+)/.exec(release ?? '') ?? [];
  if (one === undefined) return false;
  return Number(one) < major || (Number(one) === major && Number(other) < minor);
}
