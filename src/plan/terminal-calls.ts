/**
 * The program that asks about calls which open a pseudo-terminal by its name: of a run without a devpts of its own
 * (addon/supervisor/ptys.c).
 */
import {
  AND,
  argument,
  assemble,
  JEQ,
  type Line,
  LOAD,
  RET,
  RET_ALLOW,
  RET_USER_NOTIF,
} from './assemble.js';

/** AUDIT_ARCH_*, the numbers of the calls, and O_LARGEFILE, which musl sets. arm64 has no open(2). */
const architectures = {
  x64: { audit: 0xc000003e, open: 2, openat: 257, ioctl: 16, large: 0o100000 },
  arm64: { audit: 0xc00000b7, open: undefined, openat: 56, ioctl: 29, large: 0o400000 },
} as const;

const O_WRONLY = 1;
const O_RDWR = 2;
const O_ACCMODE = 3;
const O_CREAT = 0o100;
const O_NOCTTY = 0o400;
const O_TRUNC = 0o1000;
const O_APPEND = 0o2000;
const TIOCGPTPEER = 0x5441;

/** Asks where the flags are those of a terminal, or of `>` and `>>` in a shell, which may name /dev/stderr. */
const flagsIn = (n: number, large: number): Line[] => [
  { code: LOAD, k: argument(n) },
  { code: AND, k: O_ACCMODE | O_CREAT },
  { code: JEQ, k: O_RDWR, yes: 'ask' },
  { code: LOAD, k: argument(n) },
  { code: AND, k: ~(O_NOCTTY | O_TRUNC | O_APPEND | large) >>> 0 },
  { code: JEQ, k: O_WRONLY | O_CREAT, yes: 'ask', no: 'allow' },
];

/**
 * `struct sock_filter[]` that asks about what may be such a call, and allows others. Terminals are opened for reading and
 * writing, and not made by opening, or as a shell opens what its output goes to, without O_CLOEXEC. Few other files are
 * opened so, and each question costs some microseconds.
 */
export function terminalCalls(arch: keyof typeof architectures): Uint8Array {
  const { audit, open, openat, ioctl, large } = architectures[arch];
  const plainOpen: Line[] = open === undefined ? [] : [{ code: JEQ, k: open, yes: 'open' }];
  return assemble([
    { code: LOAD, k: 4 },
    { code: JEQ, k: audit, no: 'allow' },
    { code: LOAD, k: 0 },
    { code: JEQ, k: openat, yes: 'openat' },
    ...plainOpen,
    { code: JEQ, k: ioctl, yes: 'ioctl', no: 'allow' },
    'ioctl',
    { code: LOAD, k: argument(1) },
    { code: JEQ, k: TIOCGPTPEER, yes: 'ask', no: 'allow' },
    'open',
    ...flagsIn(1, large),
    'openat',
    ...flagsIn(2, large),
    'ask',
    { code: RET, k: RET_USER_NOTIF },
    'allow',
    { code: RET, k: RET_ALLOW },
  ]);
}
