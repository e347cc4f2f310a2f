/**
 * Everything that a finished filter can do with one call: number and architecture are known, the
 * arguments are not. Filters have no loops, so each way to a return is a list of tests.
 */
import { type CoreInstruction, layout } from '../../core/index.js';

/** Instructions that no way through the filter leads to, in order. */
export function unreachedIn(instructions: readonly CoreInstruction[]): number[] {
  const reached = new Set<number>([0]);
  // Jumps lead forward only, so one pass is enough.
  instructions.forEach(({ kind, yes, no }, at) => {
    if (!reached.has(at)) return;
    const name = layout.insnKindNames[kind] ?? '';
    if (name === 'jump') reached.add(yes);
    else if (/^j/.test(name)) reached.add(yes).add(no);
    else if (!/^return/.test(name)) reached.add(at + 1);
  });
  return instructions.map((_, at) => at).filter((at) => !reached.has(at));
}

/** A value that the filter computes with: known, or bits of one half of an argument. */
type Value =
  | { readonly known: number }
  | { readonly arg: number; readonly high: boolean; readonly mask: number };

/** `(half of argument & mask) op k`; `&`: any of the bits of k. */
export interface HalfTest {
  readonly arg: number;
  readonly high: boolean;
  readonly mask: number;
  readonly op: '==' | '!=' | '<' | '<=' | '>' | '>=' | 'any' | 'none';
  readonly k: number;
}

export interface Path {
  readonly tests: readonly HalfTest[];
  readonly action: number;
}

/** The error for an instruction that cannot be followed. */
export class NotFollowed extends Error {
  readonly at: number;

  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

interface State {
  readonly at: number;
  readonly a: Value;
  readonly x: Value;
  readonly memory: readonly (Value | undefined)[];
  readonly tests: readonly HalfTest[];
}

const zero: Value = { known: 0 };

const arithmetic: Readonly<Record<string, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => Number(BigInt.asUintN(32, BigInt(a) * BigInt(b))),
  div: (a, b) => (b === 0 ? 0 : Math.floor(a / b)),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  lsh: (a, b) => (b > 31 ? 0 : a << b),
  rsh: (a, b) => (b > 31 ? 0 : a >>> b),
};

const outcomes = {
  jeq: ['==', '!='],
  jgt: ['>', '<='],
  jge: ['>=', '<'],
  jset: ['any', 'none'],
} as const;

function holds(op: HalfTest['op'], a: number, k: number): boolean {
  switch (op) {
    case '==':
      return a === k;
    case '>':
      return a > k;
    case '>=':
      return a >= k;
    default:
      return (a & k) !== 0;
  }
}

/** Steps of all walks together: a filter made to take long ends in an error. */
const mostSteps = 4_000_000;
const mostKnownSteps = 200_000_000;

export class Walker {
  private steps = 0;
  private knownSteps = 0;
  private readonly instructions: readonly CoreInstruction[];
  private readonly kinds: readonly (string | undefined)[];
  private readonly big: boolean;

  constructor(instructions: readonly CoreInstruction[], big: boolean) {
    this.instructions = instructions;
    this.kinds = instructions.map(({ kind }) => layout.insnKindNames[kind]);
    this.big = big;
  }

  paths(audit: number, nr: number): Path[] {
    const found: Path[] = [];
    const stack: State[] = [{ at: 0, a: zero, x: zero, memory: [], tests: [] }];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      const state = this.run(next, audit, nr);
      if (++this.steps > mostSteps || found.length > 512)
        throw new NotFollowed(state.at, 'the filter has too many paths');
      const insn = this.instructions[state.at];
      if (insn === undefined) throw new NotFollowed(state.at, 'the filter ends without a return');
      this.step(state, insn, audit, nr, stack, found);
    }
    return found;
  }

  /** The state at the next instruction that looks at an argument, returns or is rare: most do none of these. */
  private run(state: State, audit: number, nr: number): State {
    if (!('known' in state.a)) return state;
    let { at } = state;
    let a = state.a.known;
    for (let insn = this.instructions[at]; insn?.usesX === 0; insn = this.instructions[at]) {
      const { k, yes, no } = insn;
      const kind = this.kinds[at];
      if (kind === 'jeq') at = a === k ? yes : no;
      else if (kind === 'jge') at = a >= k ? yes : no;
      else if (kind === 'jgt') at = a > k ? yes : no;
      else if (kind === 'jset') at = (a & k) !== 0 ? yes : no;
      else if (kind === 'jump') at = yes;
      else if (kind === 'load' && (k === 0 || k === 4)) {
        a = k === 0 ? nr : audit;
        at++;
      } else break;
      if (++this.knownSteps > mostKnownSteps)
        throw new NotFollowed(at, 'the filter is too long to follow for every call');
    }
    return at === state.at ? state : { ...state, at, a: { known: a } };
  }

  private step(
    state: State,
    insn: CoreInstruction,
    audit: number,
    nr: number,
    stack: State[],
    found: Path[],
  ): void {
    const { at, a, x, tests } = state;
    const kind = layout.insnKindNames[insn.kind] ?? 'invalid';
    const operand: Value = insn.usesX === 1 ? x : { known: insn.k };
    const go = (change: Partial<State>) => stack.push({ ...state, at: at + 1, ...change });
    switch (kind) {
      case 'load':
        go({ a: this.load(at, insn.k, audit, nr) });
        return;
      case 'load_imm':
        go({ a: { known: insn.k } });
        return;
      case 'loadx_imm':
        go({ x: { known: insn.k } });
        return;
      case 'load_len':
        go({ a: { known: 64 } });
        return;
      case 'loadx_len':
        go({ x: { known: 64 } });
        return;
      case 'load_mem':
        go({ a: state.memory[insn.k] ?? zero });
        return;
      case 'loadx_mem':
        go({ x: state.memory[insn.k] ?? zero });
        return;
      case 'store':
      case 'storex': {
        const memory = [...state.memory];
        memory[insn.k] = kind === 'store' ? a : x;
        go({ memory });
        return;
      }
      case 'tax':
        go({ x: a });
        return;
      case 'txa':
        go({ a: x });
        return;
      case 'neg':
        if (!('known' in a)) throw new NotFollowed(at, 'the filter computes with an argument');
        go({ a: { known: -a.known >>> 0 } });
        return;
      case 'jump':
        go({ at: insn.yes });
        return;
      case 'return':
        found.push({ tests, action: insn.k });
        return;
      case 'return_a':
        if (!('known' in a)) throw new NotFollowed(at, 'the filter returns an argument');
        found.push({ tests, action: a.known });
        return;
      case 'jeq':
      case 'jgt':
      case 'jge':
      case 'jset':
        this.branch(state, insn, outcomes[kind], operand, stack);
        return;
      default:
        go({ a: compute(at, kind, a, operand) });
    }
  }

  private load(at: number, offset: number, audit: number, nr: number): Value {
    if (offset === 0) return { known: nr };
    if (offset === 4) return { known: audit };
    if (offset < 16) throw new NotFollowed(at, 'the filter looks at the instruction pointer');
    const high = ((offset - 16) % 8 === 4) !== this.big;
    return { arg: (offset - 16) >> 3, high, mask: 0xffff_ffff };
  }

  private branch(
    state: State,
    insn: CoreInstruction,
    [met, failed]: readonly [HalfTest['op'], HalfTest['op']],
    operand: Value,
    stack: State[],
  ): void {
    const { a, at, tests } = state;
    if (!('known' in operand)) throw new NotFollowed(at, 'the filter compares two arguments');
    const k = operand.known;
    if ('known' in a) {
      stack.push({ ...state, at: holds(met, a.known, k) ? insn.yes : insn.no });
      return;
    }
    const { arg, high, mask } = a;
    // A test that an earlier one has answered goes one way only.
    const before = tests.find(
      (test) => test.arg === arg && test.high === high && test.mask === mask && test.op === '==',
    );
    if (before !== undefined) {
      stack.push({ ...state, at: holds(met, before.k, k) ? insn.yes : insn.no });
      return;
    }
    for (const [op, next] of [
      [failed, insn.no],
      [met, insn.yes],
    ] as const)
      stack.push({ ...state, at: next, tests: [...tests, { arg, high, mask, op, k }] });
  }
}

function compute(at: number, kind: string, a: Value, b: Value): Value {
  const operation = arithmetic[kind];
  if (operation === undefined) throw new NotFollowed(at, 'an instruction that filters do not have');
  if ('known' in a && 'known' in b) return { known: operation(a.known, b.known) >>> 0 };
  if (kind === 'and' && 'known' in b && !('known' in a)) {
    const mask = (a.mask & b.known) >>> 0;
    return mask === 0 ? zero : { ...a, mask };
  }
  throw new NotFollowed(at, 'the filter computes with an argument');
}
