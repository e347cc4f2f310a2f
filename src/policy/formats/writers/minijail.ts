/** Writes minijail's format: calls that are allowed under conditions, or get something else. */
import type { Comparison } from '../boolean.js';
import { Tables } from '../calls.js';
import { type Model, strictest, type Way } from './model.js';

const words: Readonly<Record<string, string>> = {
  allow: 'allow',
  log: 'log',
  notify: 'user-notify',
  trap: 'trap',
  kill_thread: 'kill-thread',
  kill_process: 'kill-process',
  'trace(0)': 'trace',
};

/** Returns minijail's word for an action; undefined for what it has no word for. */
function actionWord(action: string): string | undefined {
  const [, value] = /^errno\((\d+)\)$/.exec(action) ?? [];
  return value === undefined ? words[action] : `return ${value}`;
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;

const all = 0xffff_ffff_ffff_ffffn;

function bitsOf(mask: bigint): bigint[] {
  const bits: bigint[] = [];
  for (let bit = 1n; bit <= mask; bit <<= 1n) if ((mask & bit) !== 0n) bits.push(bit);
  return bits;
}

/** A test as terms of minijail's tests, one of which must hold; undefined where it has none. */
function testsOf(test: Comparison, bits: number): string[][] | undefined {
  const { arg, width, op, value } = test;
  const word = `arg${arg}`;
  const low = width === 32 && bits > 32;
  if (test.mask === undefined && !low) {
    const order = op !== '==' && op !== '!=';
    const said = `${word} ${op} ${hex(value)}`;
    // minijail orders all 64 bits, of which the kernel may read fewer: the others are to be clear.
    return [order && bits <= 32 ? [`${word} <= 0xffffffff`, said] : [said]];
  }
  const mask = test.mask ?? 0xffff_ffffn;
  if (op !== '==' && op !== '!=') return undefined;
  // `in` allows no bit outside of its value, `&` any bit of it.
  const within = (set: bigint) => `${word} in ${hex(all & ~set)}`;
  const clear = mask & ~value;
  if (op === '==') {
    const set = bitsOf(value).map((bit) => `${word} & ${hex(bit)}`);
    return [clear === 0n ? set : [...set, within(clear)]];
  }
  const others = bitsOf(value).map((bit) => [within(bit)]);
  return clear === 0n ? others : [[`${word} & ${hex(clear)}`], ...others];
}

const mostTerms = 512;

/** The ways that are allowed, as minijail's terms; undefined where it cannot say them. */
function termsFor(
  ways: readonly Way[],
  bitsOfArgument: (arg: number) => number,
): string[][] | undefined {
  const found: string[][] = [];
  for (const { tests } of ways) {
    let terms: string[][] = [[]];
    for (const test of tests) {
      const each = testsOf(test, bitsOfArgument(test.arg));
      if (each === undefined) return undefined;
      terms = terms.flatMap((left) => each.map((right) => [...left, ...right]));
      if (terms.length > mostTerms) return undefined;
    }
    found.push(...terms);
    if (found.length > mostTerms) return undefined;
  }
  return found.some((term) => term.length > 16) ? undefined : found;
}

export function writeMinijail({ arch, byDefault, plain, conditional }: Model): string {
  const tables = new Tables(arch);
  const lines: string[] = [];
  for (const [call, action] of plain)
    if (action !== byDefault)
      lines.push(
        `${call}: ${actionWord(action) ?? actionWord(strictest([action, byDefault])) ?? 'kill-process'}`,
      );
  for (const [call, ways] of conditional) {
    const known = tables.argumentsOf(call);
    const refused = ways.filter(({ action }) => action !== 'allow').map(({ action }) => action);
    const otherwise = strictest(refused);
    const word = actionWord(otherwise) ?? 'kill-process';
    const terms = termsFor(
      ways.filter(({ action }) => action === 'allow'),
      (arg) => known[arg]?.bits ?? 64,
    );
    if (terms === undefined || terms.length === 0) {
      lines.push(`${call}: ${word}`);
      continue;
    }
    const condition = terms.map((term) => term.join(' && ')).join(' || ');
    lines.push(`${call}: ${condition}; ${word}`);
  }
  return `@default ${actionWord(byDefault) ?? 'kill-process'}\n${lines.map((line) => `${line}\n`).join('')}`;
}
