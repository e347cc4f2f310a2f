/**
 * The files that the command makes for itself must be its own to use, whatever umask it was
 * called with; the payload gets the caller's.
 */
const ofOwner = 0o700;
let callers: number | undefined;

/**
 * Gives this process's files their owner's rights, where its umask takes them away. Of the whole
 * process: for the command, not for a program that uses the library.
 */
export function keepOwnRights(): void {
  const umask = process.umask();
  if ((umask & ofOwner) === 0) return;
  process.umask(umask & ~ofOwner);
  callers = umask;
}

/** The umask that this process was started with, where it is another than this process's. */
export const callersUmask = (): number | undefined => callers;
