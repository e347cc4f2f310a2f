/** The program that asks about calls which the supervisor answers, against what it is meant to say. */
import { beforeAll, describe, expect, it } from 'vitest';
import { init, simulateProgram } from '../../../src/core/index.js';
import { emulatedCalls } from '../../../src/plan/emulate.js';
import type { IdRange } from '../../../src/resolve/index.js';

const ALLOW = 0x7fff_0000;
const NOTIFY = 0x7fc0_0000;
const machines = [
  {
    arch: 'x64',
    audit: 0xc000003e,
    chown: [92, 93, 94],
    at: 260,
    limits: [160, 302],
    option: 54,
    set: [105, 106, 113, 114, 117, 119],
  },
  {
    arch: 'arm64',
    audit: 0xc00000b7,
    chown: [55],
    at: 54,
    limits: [164, 261],
    option: 208,
    set: [143, 144, 145, 146, 147, 149],
  },
] as const;
const ids = [0, 1, 999, 1000, 1001, 65_535, 65_536, 0xffff_fffe, 0xffff_ffff];

describe.each(machines)('ids on $arch', ({ arch, audit, chown, at, set, limits, option }) => {
  beforeAll(() => init());

  const range = (inside: number, count: number) => ({ inside, outside: 7, count });
  it.each([
    { uids: [range(1000, 1)], gids: [range(999, 1)] },
    { uids: [range(0, 1)], gids: [range(0, 1)] },
    { uids: [range(0, 65_536)], gids: [range(0, 65_536)] },
    { uids: [range(1000, 2), range(0, 1), range(65_536, 9)], gids: [range(0, 1), range(999, 1)] },
  ])('need no question if they exist inside ($uids, $gids)', (own) => {
    const program = emulatedCalls(own, arch);
    const ask = (nr: number, args: readonly bigint[], foreign = audit as number) =>
      simulateProgram(program, false, { arch: foreign, nr, args }).action;
    const exists = (id: number, ranges: readonly IdRange[]) =>
      id === 0xffff_ffff || ranges.some(({ inside, count }) => id >= inside && id < inside + count);
    for (let nr = 0; nr < 480; nr++) {
      const first = (chown as readonly number[]).includes(nr) ? 1 : nr === at ? 2 : undefined;
      for (const uid of ids) {
        for (const gid of ids) {
          const args = [7n, 7n, 7n, 7n, 7n, 7n];
          if (first !== undefined) {
            // The kernel reads the low half.
            args[first] = BigInt(uid) | (5n << 32n);
            args[first + 1] = BigInt(gid);
          }
          const here = exists(uid, own.uids) && exists(gid, own.gids);
          const asks = (set as readonly number[]).includes(nr) || (first !== undefined && !here);
          const got = ask(nr, args);
          if (got !== (asks ? NOTIFY : ALLOW)) expect({ nr, uid, gid, got }).toBe(asks);
          if (first === undefined) break;
        }
        if (first === undefined) break;
      }
    }
    const [setrlimit, prlimit] = limits;
    for (const resource of [0n, 3n, 4n, 5n, 4n | (1n << 32n)]) {
      const wanted = BigInt.asUintN(32, resource) === 4n ? NOTIFY : ALLOW;
      expect(ask(setrlimit, [resource, 4n, 4n])).toBe(wanted);
      expect(ask(prlimit, [4n, resource, 0n, 4n])).toBe(wanted);
    }
    for (const [level, name] of [
      [1n, 13n],
      [1n | (1n << 32n), 13n | (1n << 32n)],
      [1n, 9n],
      [6n, 13n],
      [13n, 1n],
    ] as const) {
      const lingers = BigInt.asUintN(32, level) === 1n && BigInt.asUintN(32, name) === 13n;
      expect(ask(option, [7n, level, name, 7n, 8n])).toBe(lingers ? NOTIFY : ALLOW);
    }
    expect(ask(chown[0], [0n, 12345n, 12345n, 0n, 0n, 0n], 0x40000003)).toBe(ALLOW);
  });
});
