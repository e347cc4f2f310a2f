/**
 * Random policies as data, with an evaluator of their own: what a reader of some tool's format is
 * held to. Numbers and widths are written out, so that nothing comes from the core.
 */
export interface DrawnTest {
  readonly arg: number;
  readonly width: 32 | 64;
  readonly mask: bigint | undefined;
  readonly op: '==' | '!=' | '<' | '<=' | '>' | '>=';
  readonly value: bigint;
}

export type Drawn =
  | { readonly kind: 'test'; readonly test: DrawnTest }
  | { readonly kind: 'and' | 'or'; readonly left: Drawn; readonly right: Drawn }
  | { readonly kind: 'not'; readonly of: Drawn };

/** Calls of x86_64 with the bits of their arguments. */
export const calls = [
  { name: 'ioctl', nr: 16, widths: [32, 32, 64] },
  { name: 'lseek', nr: 8, widths: [32, 64, 32] },
  { name: 'kill', nr: 62, widths: [32, 32] },
  // The kernel calls its second argument arg2.
  { name: 'prctl', nr: 157, widths: [32, 64, 64, 64, 64] },
] as const;

export const X86_64 = 0xc000003e;

export class Random {
  private state: bigint;

  constructor(seed: number) {
    this.state = BigInt(seed) * 2654435769n + 88172645463325252n;
  }

  next(): bigint {
    this.state ^= BigInt.asUintN(64, this.state << 13n);
    this.state ^= this.state >> 7n;
    this.state ^= BigInt.asUintN(64, this.state << 17n);
    return this.state;
  }

  below(limit: number): number {
    return Number((this.next() >> 11n) % BigInt(limit));
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  value(width: number): bigint {
    const wild = [0n, 1n, 2n, 4n, 9n, 0x7fffffffn, 0x80000000n, 0xffffffffn, 0x100000000n];
    const value = this.below(3) === 0 ? this.next() : this.pick(wild) + BigInt(this.below(3));
    return BigInt.asUintN(width, value);
  }

  test(widths: readonly number[], mayMask = true): DrawnTest {
    const arg = this.below(widths.length);
    const width = widths[arg] as 32 | 64;
    const masked = mayMask && this.below(3) === 0;
    const mask = masked ? this.value(width) : undefined;
    const op = this.pick(['==', '!=', '<', '<=', '>', '>='] as const);
    const value = this.value(width) & (mask ?? 0xffff_ffff_ffff_ffffn);
    return { arg, width, mask, op, value };
  }

  condition(widths: readonly number[], depth = 0): Drawn {
    const kind = depth > 2 ? 'test' : this.pick(['test', 'test', 'and', 'or', 'not'] as const);
    if (kind === 'test') return { kind, test: this.test(widths) };
    if (kind === 'not') return { kind, of: this.condition(widths, depth + 1) };
    const left = this.condition(widths, depth + 1);
    return { kind, left, right: this.condition(widths, depth + 1) };
  }
}

export function testHolds({ arg, width, mask, op, value }: DrawnTest, args: readonly bigint[]) {
  const full = BigInt.asUintN(width, args[arg] ?? 0n);
  const a = mask === undefined ? full : full & mask;
  const results = {
    '==': a === value,
    '!=': a !== value,
    '<': a < value,
    '<=': a <= value,
    '>': a > value,
    '>=': a >= value,
  };
  return results[op];
}

export function holds(drawn: Drawn, args: readonly bigint[]): boolean {
  switch (drawn.kind) {
    case 'test':
      return testHolds(drawn.test, args);
    case 'not':
      return !holds(drawn.of, args);
    case 'and':
      return holds(drawn.left, args) && holds(drawn.right, args);
    case 'or':
      return holds(drawn.left, args) || holds(drawn.right, args);
  }
}

/** Constants of a policy ±1, with high halves of their own: arguments worth asking for. */
export function pointsOf(text: string): bigint[] {
  const found = new Set<bigint>([0n, 0xffff_ffff_ffff_ffffn]);
  for (const [word] of text.matchAll(/\b(?:0x[\da-f]+|\d+)\b/g)) {
    const value = BigInt(word);
    for (const near of [value - 1n, value, value + 1n, ~value, value | (7n << 32n)])
      found.add(BigInt.asUintN(64, near));
  }
  return [...found];
}
