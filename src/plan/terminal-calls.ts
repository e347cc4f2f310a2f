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

/** AUDIT_ARCH_* and the numbers of the calls. arm64 has no open(2). */
const architectures = {
  x64: { audit: 0xc000003e, open: 2, openat: 257, ioctl: 16 },
  arm64: { audit: 0xc00000b7, open: undefined, openat: 56, ioctl: 29 },
} as const;

const O_RDWR = 2;
const O_ACCMODE = 3;
const O_CREAT = 0o100;
const TIOCGPTPEER = 0x5441;

/**
 * `struct sock_filter[]` that asks about what may be such a call, and allows others. Terminals are opened for reading and
 * writing, and not made by opening: few other files are opened so, and each question costs some microseconds.
 */
export function terminalCalls(arch: keyof typeof architectures): Uint8Array {
  const { audit, open, openat, ioctl } = architectures[arch];
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
    { code: LOAD, k: argument(1) },
    { code: AND, k: O_ACCMODE | O_CREAT },
    { code: JEQ, k: O_RDWR, yes: 'ask', no: 'allow' },
    'openat',
    { code: LOAD, k: argument(2) },
    { code: AND, k: O_ACCMODE | O_CREAT },
    { code: JEQ, k: O_RDWR, yes: 'ask', no: 'allow' },
    'ask',
    { code: RET, k: RET_USER_NOTIF },
    'allow',
    { code: RET, k: RET_ALLOW },
  ]);
}
