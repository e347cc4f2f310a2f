/**
 * Playground, tree. What earlier tests say about a call: if they fix its architecture and number,
 * arguments and constants are shown by name.
 */
import type { FilterInstruction } from '../../../src/policy.js';
import type { Tables } from '../core/protocol.js';

/** Numbers that a call may still have. */
export interface Known {
  readonly arch: string | undefined;
  readonly from: number;
  readonly to: number;
}

export const nothingKnown: Known = { arch: undefined, from: 0, to: 0xffff_ffff };

/** Returns what a test of `arch` or `nr` adds, on either way. */
export function learn(known: Known, what: string, insn: FilterInstruction, yes: boolean): Known {
  const { from, to } = known;
  const { kind, k } = insn;
  if (what === 'arch') {
    const names = /# (.*)$/.exec(insn.text)?.[1];
    return kind === 'jeq' && yes ? { ...known, arch: names } : known;
  }
  if (what !== 'nr') return known;
  if (kind === 'jeq') {
    if (yes) return { ...known, from: k, to: k };
    if (k === from) return { ...known, from: k + 1 };
    return k === to ? { ...known, to: k - 1 } : known;
  }
  if (kind === 'jge' || kind === 'jgt') {
    const first = kind === 'jge' ? k : k + 1;
    return yes
      ? { ...known, from: Math.max(from, first) }
      : { ...known, to: Math.min(to, first - 1) };
  }
  return known;
}

/** Two architectures can share an `arch` value; the number then says which it is. */
const isOf = (names: string, { arch }: Tables): boolean => names.split(', ').includes(arch);

export interface NamedTest {
  /** `domain`, or `domain.high`. */
  readonly what: string;
  /** Name of the constant with this value. */
  readonly note: string;
}

/** The name of an argument and of a value that it is compared with; undefined: none is known. */
export function nameTest(
  what: string,
  k: number,
  known: Known,
  tables: Tables | undefined,
): NamedTest | undefined {
  const [, index, rest = ''] = /^arg(\d)(.*)$/.exec(what) ?? [];
  if (index === undefined || tables === undefined || known.arch === undefined) return undefined;
  if (known.from !== known.to || !isOf(known.arch, tables)) return undefined;
  const call = tables.calls.find(({ number }) => number === known.from);
  const argument = call?.arguments[Number(index)];
  if (argument === undefined) return undefined;
  const set = argument.constants === undefined ? [] : tables.constants.get(argument.constants);
  const plain = rest === '';
  const constant = plain ? set?.find(({ value }) => value === BigInt(k)) : undefined;
  return { what: `${argument.name}${rest}`, note: constant?.name ?? '' };
}
