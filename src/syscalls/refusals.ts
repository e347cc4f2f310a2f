/**
 * Why the built-in policy refuses a call, and whether `--allow` helps. The tests try each call with the
 * option and without a filter.
 */

/** Says what a refused call is about; the first word of its line in a report. */
export type RefusalKind =
  | 'network'
  | 'socket'
  | 'mount'
  | 'namespace'
  | 'process'
  | 'keyring'
  | 'kernel'
  | 'machine'
  | 'terminal'
  | 'file'
  | 'call';

export interface Refused {
  readonly kind: RefusalKind;
  /** The reason as a report says it. */
  readonly risk: string;
  /** True if `--allow` makes it work; otherwise the kernel refuses it as well. */
  readonly allowable: boolean;
  /** The condition that the machine must have beside the option, as a clause: `if the sysctl kernel.x is 0`. */
  readonly proviso?: string;
  /** Arguments that distinguish its uses: a rule of `--allow` compares them. */
  readonly uses?: readonly string[];
}

type More = Partial<Pick<Refused, 'proviso' | 'uses'>>;

const allowable = (kind: RefusalKind, risk: string, more: More = {}): Refused => ({
  kind,
  risk,
  allowable: true,
  ...more,
});
const impossible = (kind: RefusalKind, risk: string, more: More = {}): Refused => ({
  kind,
  risk,
  allowable: false,
  ...more,
});

export const controlsProcesses = allowable('process', 'it can read or control other processes');
export const comparesAddresses = allowable(
  'process',
  'it compares kernel addresses of two processes',
);
export const takesDescriptors = allowable('process', 'it takes open files out of another process');

export const leavesKeys = allowable('keyring', 'kernel keys would remain for the next run');

export const fixedTree = impossible('mount', 'the mounts of a sandbox are fixed');
export const mountinfo = allowable('mount', 'programs read /proc/self/mountinfo instead');

export const listsNamespaces = allowable('namespace', 'it lists the namespaces of the machine');
export const entersNamespace = impossible('namespace', 'it enters another namespace');
export const makesNamespace = allowable(
  'namespace',
  'a new namespace gives a program every capability in it',
  { uses: ['flags'] },
);
export const hidesFlags = allowable(
  'namespace',
  'a filter cannot check its flags, which are in memory; libc uses clone instead',
);

export const changesKernel = impossible('kernel', 'it changes the kernel');
export const startsKernel = impossible('kernel', 'it starts another kernel');
export const loadsCode = impossible('kernel', 'it loads code into the kernel');
export const observes = allowable('kernel', 'it observes the kernel and other processes', {
  proviso: 'if the sysctl kernel.perf_event_paranoid permits it',
});
export const pausesKernel = allowable(
  'kernel',
  'it can pause the kernel in the middle of a copy, as many exploits do',
);
export const bypasses = allowable('kernel', 'its operations bypass the system call filter');
export const kernelLog = allowable(
  'kernel',
  'the kernel log shows addresses and what other users do',
  { proviso: 'if the sysctl kernel.dmesg_restrict is 0' },
);
export const profilesKernel = impossible('kernel', 'it reads profiling data of the kernel');
export const sharedLimit = allowable(
  'kernel',
  'its limit is shared by the whole machine; programs use threads instead',
);
export const uncounted = allowable('kernel', 'this memory does not count toward any limit', {
  proviso: 'if the kernel has it',
});

export const noRights = impossible('machine', 'a sandbox has no control over the machine');
export const setsClock = impossible('machine', 'the clock belongs to the whole machine');
/** Reading and setting is one call, whose mode is in memory. */
export const adjustsClock = allowable('machine', 'the clock belongs to the whole machine');
export const fixedName = impossible('machine', 'the host name of a sandbox is fixed');
export const hardware = impossible('machine', 'it gives direct access to the hardware');
export const segments = allowable('kernel', 'only 16-bit programs need it');
export const memoryPlaces = allowable('machine', 'it shows on which memory nodes processes are');
export const labels = impossible('machine', 'security labels belong to the administrator');

export const byHandle = impossible(
  'file',
  'it opens files by handle, bypassing directories and mounts',
);
export const watchesMounts = allowable('file', 'it watches whole mounts');
export const olderAttributes = allowable('file', 'programs use setxattr and getxattr instead');
export const fileFlags = allowable(
  'file',
  'file flags such as immutable outlive the run, and no diff shows them',
);
export const leases = allowable(
  'file',
  'a lease blocks other programs that open the file, also on the host',
  { uses: ['cmd'] },
);

export const gone = impossible('call', 'current kernels no longer have it');
export const obsolete = allowable('call', 'programs no longer use it');

export const requests = allowable('file', 'only the requests of ordinary programs are allowed', {
  uses: ['request'],
});
export const newerFutex = allowable('process', 'programs use futex instead', {
  proviso: 'if the kernel has it',
});
export const unusedMemory = allowable('process', 'ordinary programs do not use it', {
  proviso: 'if the kernel has it',
});
export const withoutSlice = allowable(
  'process',
  'it ends a longer time slice, which prctl does not give in a sandbox',
);
export const newerOption = allowable('process', 'the policy does not know this option', {
  uses: ['option'],
});
export const loadsModule = allowable(
  'socket',
  'the kernel would load a module that few programs need',
  { uses: ['level', 'optname'] },
);
export const outOfBand = allowable(
  'socket',
  'the kernel’s code for out-of-band data has had bugs that lead out of sandboxes',
);
export const dropsDefences = allowable('process', 'it turns off the program’s own protections', {
  uses: ['persona'],
});
export const socketKinds = allowable('socket', 'this kind of socket is blocked', {
  uses: ['domain', 'protocol'],
});
export const unixPairs = impossible('socket', 'socketpair works only for UNIX sockets', {
  uses: ['domain', 'protocol'],
});
export const oneListener = impossible(
  'call',
  'a process can have only one listener for refused calls, and wasbox has it',
  { uses: ['operation'] },
);
