/**
 * The filter that asks instead of refusing: every refusal of a policy's filter becomes
 * a notification to the supervisor, which answers with what that filter says. It is made from the
 * compiled program, instruction by instruction, so that it differs from it in nothing else.
 */

import { concatBytes } from '../text/index.js';
import { encode, type Instruction, JEQ, LOAD, RET, RET_ALLOW, RET_USER_NOTIF } from './assemble.js';
import { emulatedCalls } from './emulate.js';
import type { IdMaps } from './ids.js';
import { terminalCalls } from './terminal-calls.js';

/** The values that a filter returns (seccomp(2)), in its high half. */
const RET_ERRNO = 0x0005;
const ENOSYS = 38;
const ENOTTY = 25;
const ENODATA = 61;
const EOPNOTSUPP = 95;

/** `BPF_JMP | BPF_JA` */
const JUMP = 0x05;

/** Numbers of the watched calls, and AUDIT_ARCH_*. */
const architectures = {
  x64: {
    audit: 0xc000003e,
    socket: 41,
    connect: 42,
    bind: 49,
    listen: 50,
    sendto: 44,
    recvfrom: 45,
    messages: [46, 47, 299, 307], // sendmsg, recvmsg, recvmmsg, sendmmsg
    names: [51, 52, 54], // getsockname, getpeername, setsockopt
    sigreturn: 15,
    opens: [2, 257, 437],
    renames: [82, 264, 316],
  },
  arm64: {
    audit: 0xc00000b7,
    socket: 198,
    connect: 203,
    bind: 200,
    listen: 201,
    sendto: 206,
    recvfrom: 207,
    messages: [211, 212, 243, 269],
    names: [204, 205, 208],
    sigreturn: 139,
    opens: [56, 437],
    renames: [38, 276],
  },
} as const;

export type WatchArchitecture = keyof typeof architectures;

export interface WatchOptions {
  /**
   * True if `connect`, and `sendto` with an address, are asked about although they are allowed: where
   * the network is off the namespace refuses them, and the supervisor would not see it. And `listen`, since nothing
   * reaches what is served.
   */
  readonly network: boolean;
  /**
   * True if each opening of a file is asked about: the supervisor then looks whether it fails inside.
   * @default false
   */
  readonly files?: boolean;
  /**
   * True if `connect`, `bind` and `listen` are the supervisor's to do: where rules say what the network reaches.
   * @default false
   */
  readonly rules?: boolean;
  /**
   * True if `socket` is, too, and calls with the addresses of datagrams: where there is no network namespace.
   * @default false
   */
  readonly sockets?: boolean;
  /** True if extended attributes are refused without a question: Landlock isolation. @default false */
  readonly attributes?: boolean;
  /**
   * True if renames are asked about: the supervisor has directories of a copy-on-write tree moved, which overlayfs
   * refuses (addon/supervisor/moves.c).
   * @default false
   */
  readonly moves?: boolean;
  /**
   * True if calls are asked about that open a pseudo-terminal: the supervisor opens those of the run in the payload's
   * place. Landlock isolation.
   * @default false
   */
  readonly terminals?: boolean;
  readonly arch: WatchArchitecture;
  /** The ids that exist inside; without them no call is asked about that the supervisor would answer. */
  readonly ids?: IdMaps | undefined;
  /** True if every call is asked about, but {@link uncountedCalls}. @default false */
  readonly audit?: boolean | undefined;
}

const none = new Uint8Array();

/**
 * Where a call goes that the filter allows: it is asked about or allowed. Behind the filter, so that
 * what a policy kills is killed, and what it refuses is refused as ever.
 */
function questions(options: WatchOptions): Instruction[] {
  const { network, files = false, rules = false, sockets = false, moves = false, arch } = options;
  const {
    audit,
    socket,
    connect,
    bind,
    listen,
    sendto,
    recvfrom,
    messages,
    names,
    opens,
    renames,
  } = architectures[arch];
  const dials = rules ? [connect, bind, listen] : network ? [connect, listen] : [];
  const calls = [
    ...(files ? opens : []),
    ...(moves ? renames : []),
    ...(sockets ? [socket, ...messages, ...names] : []),
    ...dials,
  ];
  if (calls.length === 0) return [];
  const address = 16 + 4 * 8; // args[4] in struct seccomp_data, its low half first
  const addressed: Instruction[] = [
    ...(sockets ? [[JEQ, 1, 0, recvfrom] as const] : []),
    [JEQ, 0, 5, sendto],
    [LOAD, 0, 0, address],
    [JEQ, 0, 2, 0],
    [LOAD, 0, 0, address + 4],
    [JEQ, 1, 0, 0],
  ];
  const rest = network || sockets ? addressed : [[JUMP, 0, 0, 1] as const];
  const ends: Instruction[] = [
    [RET, 0, 0, RET_USER_NOTIF],
    [RET, 0, 0, RET_ALLOW],
  ];
  const asked = calls.map((nr, i): Instruction => [JEQ, calls.length - 1 - i + rest.length, 0, nr]);
  const known: Instruction = [JEQ, 0, 1 + asked.length + rest.length + 1, audit];
  return [[LOAD, 0, 0, 4], known, [LOAD, 0, 0, 0], ...asked, ...rest, ...ends];
}

/**
 * Where an audit sends what the filter allows: to the supervisor. Not the return from a signal's
 * handler, which cannot be made again where another signal interrupts the question.
 */
function everyQuestion(arch: WatchArchitecture): Instruction[] {
  const { audit, sigreturn } = architectures[arch];
  return [
    [LOAD, 0, 0, 4],
    [JEQ, 0, 3, audit],
    [LOAD, 0, 0, 0],
    [JEQ, 1, 0, sigreturn],
    [RET, 0, 0, RET_USER_NOTIF],
    [RET, 0, 0, RET_ALLOW],
  ];
}

/** Calls that an audit does not see, though they are allowed. */
export const uncountedCalls: readonly string[] = ['rt_sigreturn'];

/**
 * Calls `change` for each return of a program, of which it may write the two words: `code` with the jumps, and `k`.
 * Not with a DataView, each use of which is a call in the engine (src/engine).
 */
function changeReturns(
  program: Uint8Array<ArrayBuffer>,
  change: (words: Uint32Array, at: number, returned: number) => void,
): void {
  const words = new Uint32Array(program.buffer);
  for (let at = 0; at < words.length; at += 2) {
    if (((words[at] ?? 0) & 0xffff) === RET) change(words, at, words[at + 1] ?? 0);
  }
}

/** Goes on behind the first `size` bytes of a program, instead of returning. */
function goOn(words: Uint32Array, at: number, size: number): void {
  words[at] = JUMP;
  words[at + 1] = size / 8 - at / 2 - 1;
}

/** One program that allows what both allow; where they differ otherwise, the first decides. */
export function bothFilters(first: Uint8Array, second: Uint8Array): Uint8Array {
  const start = new Uint8Array(first); // not slice: a Buffer would share its memory
  changeReturns(start, (words, at, returned) => {
    if (returned === RET_ALLOW) goOn(words, at, first.length);
  });
  return concatBytes([start, second]);
}

/** The programs that {@link asking} made from others before: those of the package are the same ones each time. */
const asked = new WeakMap<Uint8Array, Map<string, Uint8Array>>();

/** The program with its refusals as questions, but `quiet` ones, and, for all but the last, `allow` as a way on. */
function asking(bpf: Uint8Array, quiet: readonly number[], last: boolean): Uint8Array {
  let known = asked.get(bpf);
  if (known === undefined) {
    known = new Map();
    asked.set(bpf, known);
  }
  const how = `${quiet.join()} ${last}`;
  const before = known.get(how);
  if (before !== undefined) return before;
  const made = madeAsking(bpf, quiet, last);
  known.set(how, made);
  return made;
}

function madeAsking(bpf: Uint8Array, quiet: readonly number[], last: boolean): Uint8Array {
  const program = new Uint8Array(bpf);
  changeReturns(program, (words, at, returned) => {
    if (returned >>> 16 === RET_ERRNO && !quiet.includes(returned & 0xffff)) {
      words[at + 1] = RET_USER_NOTIF;
    } else if (returned === RET_ALLOW && !last) {
      goOn(words, at, program.length);
    }
  });
  return program;
}

/** Refusals of an ordinary run that are no questions. */
const usuallyQuiet = [ENOSYS, ENOTTY];

/** Makes what each run needs of a program of the package. */
export function askAhead(bpf: Uint8Array): void {
  asking(bpf, usuallyQuiet, false);
}

/**
 * The watching variant of a filter, and of the guard that stands before it (`struct sock_filter[]`,
 * little-endian). It is one program, because only one filter can have a listener, and a refusal of
 * any other would be final before it is heard of.
 *
 * Refusals with ENOSYS, ENOTTY stay as they are: that is how a program learns that a call is
 * missing on this kernel, or that a file does not know a request, which it handles by itself, and
 * often (`clone3` for each thread). An audit hears of the latter as well.
 */
export function watchFilter(
  bpf: Uint8Array,
  guard: Uint8Array | undefined,
  options: WatchOptions,
): Uint8Array {
  const end = encode(options.audit === true ? everyQuestion(options.arch) : questions(options));
  // Files without extended attributes answer with these: programs ask for each file that they copy or list.
  const noAttributes = options.attributes === true ? [ENODATA, EOPNOTSUPP] : [];
  const quiet = options.audit === true ? [ENOSYS] : [...usuallyQuiet, ...noAttributes];
  const first = guard === undefined ? [] : [asking(guard, quiet, false)];
  const emulated =
    options.ids === undefined || options.audit === true
      ? none
      : emulatedCalls(options.ids, options.arch);
  const terminals = options.terminals === true ? terminalCalls(options.arch) : none;
  const parts = [
    ...first,
    asking(bpf, quiet, emulated.length + terminals.length + end.length === 0),
    madeAsking(emulated, quiet, terminals.length + end.length === 0),
    madeAsking(terminals, quiet, end.length === 0),
    end,
  ];
  return concatBytes(parts);
}
