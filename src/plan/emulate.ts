/**
 * The program that sends calls to the supervisor which it answers in the kernel's place
 * (addon/supervisor/emulate.c): those with ids that do not exist inside, and those that set RLIMIT_CORE or SO_LINGER.
 */
import type { IdRange } from '../resolve/index.js';
import {
  argument,
  assemble,
  JEQ,
  JGE,
  JGT,
  type Line,
  LOAD,
  RET,
  RET_ALLOW,
  RET_USER_NOTIF,
} from './assemble.js';
import type { IdMaps } from './ids.js';

const RLIMIT_CORE = 4;
const SOL_SOCKET = 1;
const SO_LINGER = 13;

/**
 * AUDIT_ARCH_*, and numbers: chown, lchown and fchown have a uid in argument 1 and a gid in 2, fchownat
 * in 2 and 3; setuid and its kin, and prlimit64 and setrlimit of RLIMIT_CORE, are rare, and asked about
 * whatever else they say.
 */
const architectures = {
  x64: {
    audit: 0xc000003e,
    chown: [92, 93, 94],
    chownAt: 260,
    set: [105, 106, 113, 114, 117, 119],
    setsockopt: 54,
    setrlimit: 160,
    prlimit: 302,
  },
  arm64: {
    audit: 0xc00000b7,
    chown: [55],
    chownAt: 54,
    set: [143, 144, 145, 146, 147, 149],
    setsockopt: 208,
    setrlimit: 164,
    prlimit: 261,
  },
} as const;

/** `name` is where it asks unless the ids in these arguments exist; -1 leaves an id as it is. */
function idsIn(name: string, first: number, { uids, gids }: IdMaps): Line[] {
  const one = (n: number, ranges: readonly IdRange[], good: string): Line[] => [
    { code: LOAD, k: argument(n) },
    { code: JEQ, k: 0xffff_ffff, yes: good },
    ...ranges.flatMap(({ inside, count }, i): Line[] => {
      const next = i + 1 < ranges.length ? `${name}-${n}-${i + 1}` : 'ask';
      return [
        ...(i === 0 ? [] : [`${name}-${n}-${i}`]),
        { code: JGE, k: inside, no: next },
        { code: JGE, k: inside + count, yes: next, no: good },
      ];
    }),
  ];
  return [
    name,
    ...one(first, uids, `${name}-gid`),
    `${name}-gid`,
    ...one(first + 1, gids, 'allow'),
  ];
}

/** `struct sock_filter[]` that asks about calls which the supervisor answers, and allows others. */
export function emulatedCalls(ids: IdMaps, arch: keyof typeof architectures): Uint8Array {
  const { audit, chown, chownAt, set, setsockopt, setrlimit, prlimit } = architectures[arch];
  const targets = [
    ...chown.map((nr) => [nr, 'chown'] as const),
    ...set.map((nr) => [nr, 'ask'] as const),
    [chownAt, 'chownat'] as const,
    [setsockopt, 'setsockopt'] as const,
    [setrlimit, 'setrlimit'] as const,
    [prlimit, 'prlimit'] as const,
  ].sort(([a], [b]) => a - b);
  const dispatch: Line[] = [];
  for (const [i, [nr, yes]] of targets.entries()) {
    // One comparison handles values in a gap before the number, or below all numbers.
    const gap = nr - (targets[i - 1]?.[0] ?? 0) > 1;
    if (gap) dispatch.push({ code: JGT, k: nr - 1, no: 'allow' });
    dispatch.push({ code: JEQ, k: nr, yes });
  }
  return assemble([
    { code: LOAD, k: 4 },
    { code: JEQ, k: audit, no: 'allow' },
    { code: LOAD, k: 0 },
    ...dispatch,
    { code: JEQ, k: 0, yes: 'allow', no: 'allow' },
    ...idsIn('chown', 1, ids),
    ...idsIn('chownat', 2, ids),
    'setsockopt',
    { code: LOAD, k: argument(1) },
    { code: JEQ, k: SOL_SOCKET, no: 'allow' },
    { code: LOAD, k: argument(2) },
    { code: JEQ, k: SO_LINGER, yes: 'ask', no: 'allow' },
    'prlimit',
    { code: LOAD, k: argument(1) },
    { code: JEQ, k: RLIMIT_CORE, yes: 'ask', no: 'allow' },
    'setrlimit',
    { code: LOAD, k: argument(0) },
    { code: JEQ, k: RLIMIT_CORE, no: 'allow' },
    'ask',
    { code: RET, k: RET_USER_NOTIF },
    'allow',
    { code: RET, k: RET_ALLOW },
  ]);
}
