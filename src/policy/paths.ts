/**
 * The ways that one system call can take through a filter, each with arguments
 * that take it. For explanations: what is proved is proved in the core.
 */
import { type CoreInstruction, layout } from '../core/index.js';

/** A test of one half of an argument, and how it went. */
interface Constraint {
  /** `2 * argument`, plus 1 for the high half. */
  readonly half: number;
  readonly mask: number;
  readonly kind: 'jeq' | 'jgt' | 'jge' | 'jset';
  readonly k: number;
  readonly outcome: boolean;
}

/** Says what the accumulator holds. */
type Accumulator =
  | { readonly known: number }
  | { readonly half: number; readonly mask: number }
  | undefined;

const pathLimit = 4096;

function holds(kind: Constraint['kind'], a: number, k: number): boolean {
  switch (kind) {
    case 'jeq':
      return a === k;
    case 'jgt':
      return a > k;
    case 'jge':
      return a >= k;
    case 'jset':
      return (a & k) !== 0;
  }
}

/** A 32-bit value that meets all constraints, if one of the likely candidates does. */
function solve(constraints: readonly Constraint[]): number | undefined {
  const points = new Set<number>([0, 0xffff_ffff]);
  for (const { mask, k } of constraints)
    for (const value of [k, k - 1, k + 1, k & mask, mask, ~mask, k | ~mask, ~k])
      points.add(value >>> 0);
  const bits = constraints.filter(({ kind }) => kind === 'jset').map(({ k }) => k & -k);
  const list = [...points];
  const candidates = function* () {
    yield* list;
    for (const a of list) for (const b of bits) yield (a | b) >>> 0;
    for (const a of list) for (const b of list) yield (a | b) >>> 0;
    for (const a of list) for (const b of list) yield (a & b) >>> 0;
  };
  const fits = (value: number) =>
    constraints.every(
      ({ mask, kind, k, outcome }) => holds(kind, (value & mask) >>> 0, k) === outcome,
    );
  for (const value of candidates()) if (fits(value)) return value;
  return undefined;
}

function argumentsFor(constraints: readonly Constraint[]): bigint[] | undefined {
  const args: bigint[] = [];
  for (let arg = 0; arg < 6; arg++) {
    const low = solve(constraints.filter(({ half }) => half === 2 * arg));
    const high = solve(constraints.filter(({ half }) => half === 2 * arg + 1));
    if (low === undefined || high === undefined) return undefined;
    args.push(BigInt(low) | (BigInt(high) << 32n));
  }
  return args;
}

/** Arguments for every way from the start to a return that `nr` on `audit` can take. */
export function examplesOf(
  instructions: readonly CoreInstruction[],
  big: boolean,
  audit: number,
  nr: number,
): bigint[][] {
  const found: bigint[][] = [];
  const stack: { at: number; a: Accumulator; constraints: readonly Constraint[] }[] = [
    { at: 0, a: undefined, constraints: [] },
  ];
  for (let steps = 0; stack.length > 0 && steps < pathLimit; steps++) {
    const { at, a, constraints } = stack.pop() ?? { at: 0, a: undefined, constraints: [] };
    const insn = instructions[at];
    if (insn === undefined) continue;
    const kind = layout.insnKindNames[insn.kind] ?? 'invalid';
    if (kind === 'return' || kind === 'return_a') {
      const args = argumentsFor(constraints);
      if (args !== undefined) found.push(args);
    } else if (kind === 'jump') {
      stack.push({ at: insn.yes, a, constraints });
    } else if (kind === 'jeq' || kind === 'jgt' || kind === 'jge' || kind === 'jset') {
      const go = (outcome: boolean) => (outcome ? insn.yes : insn.no);
      if (a !== undefined && 'known' in a && insn.usesX === 0) {
        stack.push({ at: go(holds(kind, a.known, insn.k)), a, constraints });
        continue;
      }
      for (const outcome of [false, true]) {
        const more =
          a !== undefined && 'half' in a && insn.usesX === 0
            ? [...constraints, { ...a, kind, k: insn.k, outcome } as const]
            : constraints;
        stack.push({ at: go(outcome), a, constraints: more });
      }
    } else {
      stack.push({
        at: at + 1,
        a: step(kind, insn.k, insn.usesX, a, { big, audit, nr }),
        constraints,
      });
    }
  }
  return found;
}

function step(
  kind: string,
  k: number,
  usesX: number,
  a: Accumulator,
  { big, audit, nr }: { big: boolean; audit: number; nr: number },
): Accumulator {
  if (kind === 'load') {
    if (k === 0) return { known: nr };
    if (k === 4) return { known: audit };
    if (k < 16) return undefined;
    const high = ((k - 16) % 8 === 4) !== big;
    return { half: ((k - 16) >> 3) * 2 + (high ? 1 : 0), mask: 0xffff_ffff };
  }
  if (kind === 'and' && usesX === 0 && a !== undefined) {
    return 'known' in a ? { known: (a.known & k) >>> 0 } : { ...a, mask: (a.mask & k) >>> 0 };
  }
  if (kind === 'load_imm') return { known: k };
  return kind === 'store' || kind === 'storex' || kind === 'tax' ? a : undefined;
}
