/** The program of an engine that makes its policy core break off, and tells what that looks like. */
import { compilePolicy, init } from '../../../src/policy/index.js';

declare const machine: {
  read(path: string, limit: number): number | ArrayBuffer;
  list(path: string): number | readonly string[];
};
declare const policyCore: {
  reset(): void;
  put(buffer: ArrayBuffer, from: number, size: number): number;
  bytes(at: number, size: number): ArrayBuffer;
  call(...words: readonly number[]): number;
};

/** `enum function` of addon/engine/core.c. */
const COMPILE = 0;
const DECODE = 4;
const far = 0xffff_fff0;

function said(action: () => unknown): string {
  try {
    action();
    return 'nothing';
  } catch (error) {
    return String(error);
  }
}

const text = (path: string): string => {
  const bytes = machine.read(path, 1 << 16);
  return typeof bytes === 'number'
    ? `errno ${-bytes}`
    : new TextDecoder().decode(new Uint8Array(bytes));
};

/** More files to include than the memory has room for a list of. */
function tooManyFiles(): unknown {
  policyCore.reset();
  return policyCore.call(COMPILE, 16, 0, 0, 0, 16, 20_000_000);
}

const instructions = (): number => compilePolicy({ builtin: 'default' }).instructions;

function protections(process: string): Record<string, unknown> {
  const status = text(`/proc/${process}/status`);
  const field = (name: string): string =>
    new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';
  return {
    seccomp: field('Seccomp'),
    noNewPrivs: field('NoNewPrivs'),
    cores: /Max core file size\s+(\S+)/.exec(text(`/proc/${process}/limits`))?.[1],
  };
}

async function findings() {
  await init();
  const before = instructions();
  const [worker = ''] = text('/proc/thread-self/children').trim().split(' ');
  return {
    worker: protections(worker),
    engine: protections('self'),
    trap: said(() => policyCore.call(DECODE, far, 64, 0, 0, 0, 0)),
    afterTrap: instructions() === before,
    exhausted: said(tooManyFiles),
    afterExhaustion: instructions() === before,
    tooLarge: said(() => {
      const part = new ArrayBuffer(64 << 20);
      for (let i = 0; i < 20; i++) policyCore.put(part, 0, part.byteLength);
    }),
    outside: said(() => policyCore.bytes(far, 64)),
    beyondInput: said(() => policyCore.put(new ArrayBuffer(8), 4, 8)),
    unknown: said(() => policyCore.call(99, 0, 0, 0, 0, 0, 0)),
    afterAll: instructions() === before,
  };
}

type HandOver = (bytes: ArrayBuffer, lasting: boolean) => void;

(globalThis as unknown as { start: unknown }).start = (
  _words: string[],
  _key: string,
  handOver: HandOver,
) => {
  const outcome: { why?: string } = {};
  findings().then(
    (found) => handOver(new TextEncoder().encode(JSON.stringify(found)).buffer, true),
    (error: unknown) => {
      outcome.why = String(error);
    },
  );
  return outcome;
};
