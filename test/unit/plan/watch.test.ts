/** The watching variant against the filters that it stands for, call by call. */
import { beforeAll, describe, expect, it } from 'vitest';
import { init, simulateProgram } from '../../../src/core/index.js';
import { watchFilter } from '../../../src/plan/watch.js';
import { compilePolicy } from '../../../src/policy/index.js';

const ALLOW = 0x7fff_0000;
const NOTIFY = 0x7fc0_0000;
const ERRNO = 0x0005_0000;
const ENOSYS = 38;
const ENOTTY = 25;
const machines = [
  {
    arch: 'x64',
    name: 'x86_64',
    audit: 0xc000003e,
    connect: 42,
    listen: 50,
    sendto: 44,
    sigreturn: 15,
    opens: [2, 257, 437],
    openat: 257,
    ioctl: 16,
  },
  {
    arch: 'arm64',
    name: 'aarch64',
    audit: 0xc00000b7,
    connect: 203,
    listen: 201,
    sendto: 206,
    sigreturn: 139,
    opens: [56, 437],
    openat: 56,
    ioctl: 29,
  },
] as const;

/** Values that filters compare with, and their neighbours. */
const values = [
  0n,
  1n,
  2n,
  0x5412n,
  0x10000000n,
  0x800n,
  0o4755n,
  0x1_0000_0000n,
  0xffff_ffffn,
  2n ** 64n - 1n,
];

describe.each(machines)(
  'the watching variant on $name',
  ({ arch, name, audit, connect, listen, sendto, sigreturn, opens, openat, ioctl }) => {
    let filter: Uint8Array;
    let guard: Uint8Array;
    beforeAll(async () => {
      await init();
      filter = compilePolicy({ builtin: 'default' }, { arch: name }).bpf;
      guard = compilePolicy({ builtin: 'set-id-guard' }, { arch: name }).bpf;
    });
    const ask = (
      program: Uint8Array,
      nr: number,
      args: readonly bigint[],
      foreign: number = audit,
    ) => simulateProgram(program, false, { arch: foreign, nr, args }).action;

    it.each([
      [true, false, false],
      [false, false, false],
      [true, true, false],
      [false, true, false],
      [true, true, true],
      [false, true, true],
    ])(
      'asks where they refuse, and nowhere else (network %s, guard %s, files %s)',
      (network, guarded, files) => {
        const watch = watchFilter(filter, guarded ? guard : undefined, { network, files, arch });
        let asked = 0;
        for (let nr = 0; nr < 480; nr++) {
          for (let i = 0; i < 20; i++) {
            const args = Array.from(
              { length: 6 },
              (_, n) => values[(i * 7 + n * (nr + i)) % values.length] ?? 0n,
            );
            const first = guarded ? ask(guard, nr, args) : ALLOW;
            const decided = first === ALLOW ? ask(filter, nr, args) : first;
            const got = ask(watch, nr, args);
            const refused = decided !== undefined && decided >>> 16 === ERRNO >>> 16;
            const dials = nr === connect || nr === listen || (nr === sendto && args[4] !== 0n);
            const known: readonly number[] = opens;
            const watched =
              decided === ALLOW && ((network && dials) || (files && known.includes(nr)));
            const expected =
              (refused && ![ENOSYS, ENOTTY].includes(decided & 0xffff)) || watched
                ? NOTIFY
                : decided;
            if (got !== expected) expect({ nr, args, got }).toEqual({ nr, args, got: expected });
            if (got === NOTIFY) asked += 1;
          }
        }
        expect(asked).toBeGreaterThan(1000);
      },
    );

    it('asks about everything in an audit, but the return from a signal handler', () => {
      for (const guarded of [guard, undefined]) {
        const watch = watchFilter(filter, guarded, { network: true, arch, audit: true });
        for (let nr = 0; nr < 480; nr++) {
          const args = [0n, 0n, 0n, 0n, 0n, 0n];
          const first = guarded === undefined ? ALLOW : ask(guarded, nr, args);
          const decided = first === ALLOW ? ask(filter, nr, args) : first;
          const final = decided === (ERRNO | ENOSYS) || nr === sigreturn;
          expect(ask(watch, nr, args), `call ${nr}`).toBe(final ? decided : NOTIFY);
        }
        expect(ask(watch, 0, [], 0x40000003)).not.toBe(ALLOW);
      }
    });

    it('kills what the policy kills, with the network off too', () => {
      const policy = 'kill connect\nkill sendto\ninclude "default"\n';
      const { bpf } = compilePolicy({ text: policy }, { arch: name });
      const watch = watchFilter(bpf, guard, { network: true, arch });
      const killed = ask(bpf, connect, []);
      expect(killed).not.toBe(ALLOW);
      expect(ask(watch, connect, [])).toBe(killed);
      expect(ask(watch, sendto, [3n, 1n, 1n, 0n, 1n, 16n])).toBe(killed);
    });

    it('kills a foreign architecture as they do', () => {
      const watch = watchFilter(filter, guard, { network: true, files: true, arch });
      const foreign = machines.find((other) => other.audit !== audit)?.audit ?? 0;
      expect(ask(watch, connect, [], foreign)).toBe(ask(filter, connect, [], foreign));
    });

    it('asks about calls that open terminals', () => {
      const watch = watchFilter(filter, guard, { network: false, terminals: true, arch });
      const peer = 0x5441n;
      const [O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_NOCTTY] = [1n, 2n, 0o100n, 0o200n, 0o400n];
      const [O_TRUNC, O_APPEND, O_CLOEXEC] = [0o1000n, 0o2000n, 0o2000000n];
      const redirected = O_WRONLY | O_CREAT | O_TRUNC;
      const asked = [
        ...[O_RDWR, O_RDWR | O_NOCTTY, O_RDWR | O_CLOEXEC, O_WRONLY | O_CREAT | O_APPEND],
        ...[redirected, redirected | O_NOCTTY],
      ];
      const others = [
        ...[0n, O_NOCTTY, O_WRONLY, O_CREAT, O_RDWR | O_CREAT, O_WRONLY | O_TRUNC],
        ...[redirected | O_CLOEXEC, redirected | O_EXCL],
      ];
      const flags = [...asked, ...others];
      const expected = flags.map((one) => (asked.includes(one) ? NOTIFY : ALLOW));
      expect(flags.map((one) => ask(watch, openat, [0n, 1n, one]))).toEqual(expected);
      if (arch === 'x64') {
        expect(flags.map((one) => ask(watch, 2, [1n, one]))).toEqual(expected);
      }
      expect(ask(watch, ioctl, [3n, peer, 2n])).toBe(NOTIFY);
      expect(ask(watch, ioctl, [3n, peer - 1n, 2n])).toBe(ask(filter, ioctl, [3n, peer - 1n, 2n]));
      expect(ask(watch, openat, [0n, 1n, O_RDWR], 0x40000003)).not.toBe(NOTIFY);
    });

    it('leaves the filters alone, whatever memory they lie in', () => {
      const shared = Buffer.from([...filter, ...filter]).subarray(0, filter.length);
      watchFilter(shared, shared, { network: true, arch });
      expect(Buffer.compare(shared, filter)).toBe(0);
    });
  },
);
