/**
 * The users as whom the tests start wasbox. Root hides bugs, so under root every launch test runs twice: as root, and
 * as an ordinary user with a home of its own. An ordinary user runs them once.
 */
import { inject } from 'vitest';

export interface Identity {
  readonly label: 'root' | 'ordinary user';
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  /** An empty directory of its own, removed after the tests; never below /tmp for the user. */
  readonly scratch: string;
  /** `cli.js` of a build that this identity can read. */
  readonly cli: string;
  /** How its runs are isolated. @default namespaces, as wasbox chooses */
  readonly isolation?: 'namespaces' | 'landlock';
}

declare module 'vitest' {
  interface ProvidedContext {
    identities: Identity[];
  }
}

/** Everyone whom this test run can start wasbox as; the ordinary user is always among them. */
export function everyone(): Identity[] {
  return inject('identities');
}

/**
 * The users as whom a test is made: everyone, or with `WASBOX_TEST_AS=own` only the user who runs the tests, for
 * `.ci/run`, in which the ordinary user runs all of them as well.
 */
export function identities(): Identity[] {
  if (process.env.WASBOX_TEST_AS !== 'own') return everyone();
  return everyone().filter(({ uid }) => uid === process.getuid?.());
}

/**
 * Returns the same identities, each in namespaces and with Landlock isolation: for attacks that both must withstand.
 */
export function isolatedIdentities(): Required<Identity>[] {
  return identities().flatMap((as) =>
    (['namespaces', 'landlock'] as const).map((isolation) => ({ ...as, isolation })),
  );
}

/** The ordinary user, for tests that gain nothing from running twice. */
export function ordinaryUser(): Identity {
  const found = everyone().find((one) => one.label === 'ordinary user');
  if (found === undefined) throw new Error('the set-up provided no ordinary user');
  return found;
}

/** True if this process may act as root: needed by some controls. */
export const underRoot = process.getuid?.() === 0;

let files = 0;

/** Begins another file of tests in this process. test/support/each-file.ts calls it. */
export function nextFile(): void {
  files += 1;
}

/** The directory in which an identity's runs are kept: each test file has one of its own. */
export const stateOf = (as: Identity): string => `${as.scratch}/state-${process.pid}-${files}`;

/** A small, fixed environment, the same inside and outside, so that outputs can be compared. */
export function environmentOf(as: Identity): Record<string, string> {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: as.home,
    USER: as.name,
    LOGNAME: as.name,
    SHELL: '/bin/bash',
    LANG: 'C.UTF-8',
    TERM: 'xterm',
    XDG_STATE_HOME: stateOf(as),
  };
}
