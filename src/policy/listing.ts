/** A filter as text: one instruction a line, with labels, names and policy lines. */
import {
  architectures,
  type CoreInstruction,
  callName,
  decodeProgram,
  layout,
} from '../core/index.js';
import { displayText } from '../text/index.js';
import { actionText, readAction } from './action.js';
import type { CompiledPolicy } from './compile.js';
import { filterError } from './filter-error.js';
import type { Architecture } from './source.js';

/** A filter to be listed; `rules` and `origins` put the policy beside the instructions. */
export interface ListedFilter {
  readonly bpf: Uint8Array;
  /** Architecture that errno values and byte order are of. @default 'x86_64' */
  readonly arch?: Architecture | undefined;
  readonly rules?: CompiledPolicy['rules'] | undefined;
  readonly origins?: CompiledPolicy['origins'] | undefined;
}

/** Says what the accumulator holds, and which architecture is known, if all paths agree. */
interface State {
  readonly loaded: number | undefined;
  readonly audit: number | undefined;
}

const hex = (value: number) => `0x${value.toString(16)}`;

function fieldName(offset: number, big: boolean): string {
  if (offset === 0) return 'nr';
  if (offset === 4) return 'arch';
  if (offset === 8 || offset === 12) return `ip.${(offset === 12) === big ? 'low' : 'high'}`;
  const low = ((offset - 16) % 8 === 4) === big;
  return `arg${(offset - 16) >> 3}.${low ? 'low' : 'high'}`;
}

const operators: Readonly<Record<string, string>> = {
  add: '+=',
  sub: '-=',
  mul: '*=',
  div: '/=',
  and: '&=',
  or: '|=',
  xor: '^=',
  lsh: '<<=',
  rsh: '>>=',
};
const comparisons: Readonly<Record<string, string>> = { jeq: '==', jgt: '>', jge: '>=', jset: '&' };

/** Positions that another instruction than the one before jumps to. */
function labels(instructions: readonly CoreInstruction[]): Set<number> {
  const found = new Set<number>();
  instructions.forEach(({ yes, no }, at) => {
    for (const target of [yes, no]) if (target > at + 1) found.add(target);
  });
  return found;
}

/** Room for a rule beside the instructions. */
const ruleWidth = 90;

const shortened = (text: string) =>
  text.length > ruleWidth ? `${text.slice(0, ruleWidth - 1)}…` : text;

class Lister {
  private readonly states: (State | undefined)[];
  private readonly known = architectures();
  private readonly instructions: readonly CoreInstruction[];
  private readonly arch: Architecture;
  private readonly big: boolean;

  constructor(instructions: readonly CoreInstruction[], arch: Architecture, big: boolean) {
    this.instructions = instructions;
    this.arch = arch;
    this.big = big;
    this.states = new Array<State | undefined>(instructions.length);
    this.states[0] = { loaded: undefined, audit: undefined };
    instructions.forEach((_, at) => {
      this.flow(at);
    });
  }

  /** Jumps go forward, so one pass finds the state at each instruction. */
  private flow(at: number): void {
    const insn = this.instructions[at];
    const state = this.states[at];
    if (insn === undefined || state === undefined) return;
    const kind = layout.insnKindNames[insn.kind] ?? 'invalid';
    if (kind === 'return' || kind === 'return_a') return;
    if (kind === 'jump') {
      this.reach(insn.yes, state);
      return;
    }
    if (kind in comparisons) {
      const known = kind === 'jeq' && state.loaded === 4 && insn.usesX === 0;
      this.reach(insn.yes, known ? { ...state, audit: insn.k } : state);
      this.reach(insn.no, state);
      return;
    }
    const keeps = ['store', 'storex', 'tax', 'loadx_imm', 'loadx_len', 'loadx_mem'].includes(kind);
    const loaded = kind === 'load' ? insn.k : keeps ? state.loaded : undefined;
    this.reach(at + 1, { ...state, loaded });
  }

  private reach(at: number, state: State): void {
    const before = this.states[at];
    this.states[at] =
      before === undefined
        ? state
        : {
            loaded: before.loaded === state.loaded ? state.loaded : undefined,
            audit: before.audit === state.audit ? state.audit : undefined,
          };
  }

  /** Returns what a constant means beside the field that it is compared with. */
  private meaning(at: number, k: number): string {
    const state = this.states[at];
    if (state?.loaded === 4) {
      const names = this.known.filter(({ audit }) => audit === k).map(({ name }) => name);
      return names.length === 0 ? '' : `  # ${names.join(', ')}`;
    }
    if (state?.loaded !== 0 || state.audit === undefined) return '';
    const name = this.known
      .filter(({ audit, numberBase }) => audit === state.audit && k >= numberBase)
      .map(({ index, numberBase }) => callName(index, k - numberBase))
      .findLast((found) => found !== undefined);
    return name === undefined ? '' : `  # ${name}`;
  }

  line(at: number): string {
    const insn = this.instructions[at];
    if (insn === undefined) return '';
    const kind = layout.insnKindNames[insn.kind] ?? 'invalid';
    const operand = insn.usesX === 1 ? 'X' : hex(insn.k);
    const comparison = comparisons[kind];
    if (comparison !== undefined) {
      const meaning = insn.usesX === 1 ? '' : this.meaning(at, insn.k);
      return `if A ${comparison} ${operand} goto ${insn.yes} else ${insn.no}${meaning}`;
    }
    const operator = operators[kind];
    if (operator !== undefined) return `A ${operator} ${operand}`;
    switch (kind) {
      case 'load':
        return `A = ${fieldName(insn.k, this.big)}`;
      case 'load_imm':
        return `A = ${operand}`;
      case 'loadx_imm':
        return `X = ${hex(insn.k)}`;
      case 'load_len':
        return 'A = size';
      case 'loadx_len':
        return 'X = size';
      case 'load_mem':
        return `A = M[${insn.k}]`;
      case 'loadx_mem':
        return `X = M[${insn.k}]`;
      case 'store':
        return `M[${insn.k}] = A`;
      case 'storex':
        return `M[${insn.k}] = X`;
      case 'tax':
        return 'X = A';
      case 'txa':
        return 'A = X';
      case 'neg':
        return 'A = -A';
      case 'jump':
        return `goto ${insn.yes}`;
      case 'return':
        return `return ${actionText(readAction(insn.k), this.arch)}`;
      case 'return_a':
        return 'return A';
      default:
        return `invalid  # k = ${hex(insn.k)}`;
    }
  }
}

/** One instruction of a filter, read. */
export interface FilterInstruction {
  readonly kind: (typeof layout.insnKindNames)[number];
  /** The operand. */
  readonly k: number;
  /** Positions that a jump leads to; undefined where the instruction is no jump. */
  readonly yes: number | undefined;
  readonly no: number | undefined;
  /** True if something else than the instruction before leads here. */
  readonly target: boolean;
  /** The text that `listFilter` shows. */
  readonly text: string;
}

const jumps: ReadonlySet<string> = new Set(['jump', ...Object.keys(comparisons)]);

/**
 * Reads a filter of any tool, instruction by instruction.
 * @throws PolicyError where the kernel would not load it; the message names the instruction
 */
export function decodeFilter(filter: Pick<ListedFilter, 'bpf' | 'arch'>): FilterInstruction[] {
  const arch = filter.arch ?? 'x86_64';
  const big = architectures().find(({ name }) => name === arch)?.bigEndian === true;
  const { valid, badInstruction, instructions } = decodeProgram(filter.bpf, big);
  if (!valid) throw filterError(filter.bpf, badInstruction);
  const lister = new Lister(instructions, arch, big);
  const targets = labels(instructions);
  return instructions.map(({ kind, k, yes, no }, at) => {
    const name = layout.insnKindNames[kind] ?? 'invalid';
    return {
      kind: name,
      k,
      yes: jumps.has(name) ? yes : undefined,
      no: jumps.has(name) && name !== 'jump' ? no : undefined,
      target: targets.has(at),
      text: lister.line(at),
    };
  });
}

/**
 * Lists a filter of any tool.
 * @throws PolicyError where the kernel would not load it; the message names the instruction
 */
export function listFilter(filter: ListedFilter): string {
  const instructions = decodeFilter(filter);
  const width = String(instructions.length).length;
  let last: number | undefined;
  const lines = instructions.flatMap(({ target, text }, at) => {
    const origin = filter.origins?.[at];
    const rule = origin === undefined || origin === last ? undefined : filter.rules?.[origin];
    last = origin;
    const head =
      rule === undefined
        ? []
        : [`; ${displayText(`${rule.file}:${rule.line}: ${shortened(rule.text)}`)}`];
    return [...head, `${target ? '>' : ' '}${String(at).padStart(width)}  ${text}`];
  });
  return `${lines.join('\n')}\n`;
}
