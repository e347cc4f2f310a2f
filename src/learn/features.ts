/**
 * Lists what a program may do on another day or with other input, once it did something similar. Data only;
 * which calls belong to a feature is in src/syscalls/table.ts.
 */
import { callsWhere, type FeatureName, syscalls } from '../syscalls/index.js';

/** libc first asks a local service for names of users and hosts, and reads files if none answers. */
const nameService = { 'socket.domain': ['AF_UNIX'] };

/** A program that uses some of a feature uses the rest with other input, or when something fails. */
export interface Feature {
  readonly name: FeatureName;
  /** The words in the comment of a rule. */
  readonly what: string;
  /** The thing that a profile that allows none of `needs` refuses; absent where a user would not miss it. */
  readonly refused?: { readonly what: string; readonly needs: readonly string[] };
  /** Other features that it needs. */
  readonly includes?: readonly FeatureName[];
  /** Values of calls that are allowed by an argument. */
  readonly values?: Readonly<Record<string, readonly string[]>>;
}

export const features: readonly Feature[] = [
  {
    name: 'writing',
    what: 'writing files',
    // Mounts decide whether a file can be written; the calls for it are needed anyway.
    refused: {
      what: 'deleting and renaming files',
      needs: ['unlink', 'unlinkat', 'rename', 'renameat', 'renameat2'],
    },
    values: { 'ioctl.request': ['FICLONE'] },
  },
  {
    name: 'processes',
    what: 'starting programs',
    refused: { what: 'starting programs', needs: ['fork', 'vfork', 'clone'] },
    // Programs that start others usually write files.
    includes: ['writing'],
    values: {
      // The last two only read, or give up rights.
      'prctl.option': ['PR_SET_NAME', 'PR_SET_PDEATHSIG', 'PR_CAPBSET_READ', 'PR_SET_NO_NEW_PRIVS'],
      'socketpair.domain': ['AF_UNIX'],
      ...nameService,
      'ioctl.request': ['TCGETS'],
    },
  },
  {
    name: 'threads',
    what: 'threads',
    refused: { what: 'threads', needs: ['clone'] },
    includes: ['writing'],
    values: { 'prctl.option': ['PR_SET_NAME'], ...nameService },
  },
  {
    name: 'events',
    what: 'waiting for events',
    // Event loops hand blocking work to threads.
    includes: ['threads'],
  },
  {
    name: 'sockets',
    what: 'using sockets',
    refused: { what: 'network sockets', needs: ['bind', 'listen', 'sendto', 'recvfrom'] },
  },
];

/** Calls that show a feature; a run may show it in other ways, too. */
export const callsShowing = (feature: FeatureName): string[] =>
  callsWhere(({ shows }) => shows === feature);

/** Calls that a feature brings. */
export const callsOf = (feature: FeatureName): string[] =>
  callsWhere(({ features = '' }) => features.split(' ').includes(feature));

/** Calls that do the same by several names. */
export function families(): string[][] {
  const found = new Map<string, string[]>();
  for (const [call, { family }] of Object.entries(syscalls)) {
    if (family !== undefined) found.set(family, [...(found.get(family) ?? []), call]);
  }
  return [...found.values()];
}

/** Values that belong together, like calls of a family. */
export const valueFamilies: readonly (readonly string[])[] = [
  'TCGETS TIOCGWINSZ FIONREAD',
  'TCSETS TCSETSW TCSETSF TCGETS',
  'FIOCLEX FIONCLEX FIONBIO',
  'AF_INET AF_INET6',
  'PR_GET_NAME PR_SET_NAME',
].map((line) => line.split(' '));

/** Groups that replace their members where most of these were seen. */
export const fittingGroups: readonly string[] = [
  'basic-io',
  'io-event',
  'network-io',
  'signal',
  'sync',
  'timer',
  'memlock',
];
