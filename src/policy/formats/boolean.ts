/** Conditions with and, or, not: as lists of rules, each of which joins its conditions by `and`. */

/** `(argument & mask) op value`, without a sign, in the low `width` bits. */
export interface Comparison {
  readonly arg: number;
  readonly width: 32 | 64;
  readonly mask?: bigint | undefined;
  readonly op: '==' | '!=' | '<' | '<=' | '>' | '>=';
  readonly value: bigint;
}

export type Expression =
  | { readonly kind: 'test'; readonly test: Comparison }
  | { readonly kind: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'not'; readonly of: Expression }
  /** Holds always, or never. */
  | { readonly kind: 'constant'; readonly holds: boolean };

const opposite = { '==': '!=', '!=': '==', '<': '>=', '>=': '<', '>': '<=', '<=': '>' } as const;

/** More would hardly fit into a filter. */
const mostTerms = 1024;

export class TooComplex extends Error {}

/** The terms, of which one must hold; all tests of a term must. None: it never holds. */
export function termsOf(expression: Expression, negated = false): Comparison[][] {
  switch (expression.kind) {
    case 'constant':
      return expression.holds !== negated ? [[]] : [];
    case 'test': {
      const { test } = expression;
      return simplified(negated ? { ...test, op: opposite[test.op] } : test);
    }
    case 'not':
      return termsOf(expression.of, !negated);
    default: {
      const left = termsOf(expression.left, negated);
      const right = termsOf(expression.right, negated);
      if ((expression.kind === 'or') !== negated) return bounded([...left, ...right]);
      if (left.length * right.length > mostTerms) throw new TooComplex();
      return bounded(left.flatMap((a) => right.map((b) => [...a, ...b])));
    }
  }
}

/** The number of conditions that a rule of the policy language takes. */
const mostTests = 16;

function bounded(terms: Comparison[][]): Comparison[][] {
  if (terms.length > mostTerms || terms.some((term) => term.length > mostTests))
    throw new TooComplex();
  return terms;
}

/** A test whose value its bits cannot reach is decided beforehand. */
function simplified(test: Comparison): Comparison[][] {
  const full = test.width === 32 ? 0xffff_ffffn : 0xffff_ffff_ffff_ffffn;
  const most = full & (test.mask ?? full);
  const { op, value } = test;
  if ((op === '==' || op === '!=') && (value & ~most) !== 0n) return op === '==' ? [] : [[]];
  if (value > most) return op === '<' || op === '<=' ? [[]] : [];
  if ((op === '<' && value === 0n) || (op === '>' && value === most)) return [];
  if ((op === '>=' && value === 0n) || (op === '<=' && value === most)) return [[]];
  return [[test]];
}

export function testText({ arg, width, mask, op, value }: Comparison): string {
  const bits = mask === undefined ? '' : ` & 0x${mask.toString(16)}`;
  return `arg${arg} as u${width}${bits} ${op} 0x${value.toString(16)}`;
}

export const termText = (term: readonly Comparison[]): string => term.map(testText).join(' and ');
