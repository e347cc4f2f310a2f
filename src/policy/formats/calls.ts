/** Calls and values as the core's tables have them, for the readers of other formats. */
import {
  architectures,
  argumentsOf,
  callName,
  callNumber,
  constantValue,
  groups,
} from '../../core/index.js';

/** The architecture by which names of constants are read, as other tools do: their own. */
function tableOf(target: string): number {
  return architectures().find(({ name }) => name === target)?.index ?? 0;
}

let knownCalls: ReadonlySet<string> | undefined;

export class Tables {
  private readonly known: ReadonlySet<string>;
  private readonly index: number;
  private readonly arguments = new Map<string, readonly { name: string; bits: number }[]>();

  constructor(target = 'x86_64') {
    this.index = tableOf(target);
    knownCalls ??= new Set(groups().get('known') ?? []);
    this.known = knownCalls;
  }

  /** Returns whether some architecture has the call. */
  has(call: string): boolean {
    return this.known.has(call);
  }

  nameOf(number: number): string | undefined {
    return callName(this.index, number);
  }

  /** Arguments of a call; none where the architecture lacks it. */
  argumentsOf(call: string): readonly { name: string; bits: number }[] {
    const before = this.arguments.get(call);
    if (before !== undefined) return before;
    const number = callNumber(this.index, call);
    const found =
      number === undefined
        ? []
        : argumentsOf(this.index, number).map(({ name, bits }) => ({ name, bits }));
    this.arguments.set(call, found);
    return found;
  }

  constant(name: string): bigint | undefined {
    return constantValue(this.index, name);
  }
}

const confusing = new Map<string, readonly (string | undefined)[]>();

/**
 * A call's own words for arguments that `argN` would miss: the second argument of prctl is `arg2`,
 * because the kernel calls it so.
 */
function ownWords(call: string): readonly (string | undefined)[] {
  const before = confusing.get(call);
  if (before !== undefined) return before;
  const words: (string | undefined)[] = [];
  for (const { index } of architectures()) {
    const number = callNumber(index, call);
    const own = number === undefined ? [] : argumentsOf(index, number);
    own.forEach(({ name }, at) => {
      const meant = own.findIndex((one) => one.name === `arg${at}` || one.alias === `arg${at}`);
      if (meant >= 0 && meant !== at) words[at] = name;
    });
  }
  confusing.set(call, words);
  return words;
}

/**
 * Rules for calls whose arguments the conditions name by position, `arg0` the first; `on` names the
 * architectures where not all are meant.
 */
export function ruleText(
  action: string,
  calls: readonly string[],
  where = '',
  on: readonly string[] = [],
): string {
  const text = forAll(action, calls, where);
  return on.length === 0 ? text : text.replaceAll(/\n(?! )/g, ` on ${on.join(', ')}\n`);
}

function forAll(action: string, calls: readonly string[], where: string): string {
  const alike: string[] = [];
  const others: string[] = [];
  for (const call of calls) {
    const words = ownWords(call);
    const own = where.replace(/\barg([0-5])\b/g, (word, at) => words[Number(at)] ?? word);
    if (own === where) alike.push(call);
    else others.push(`${action} ${call} where ${own}\n`);
  }
  return (
    (alike.length > 0 || calls.length === 0 ? lines(action, alike, where) : '') + others.join('')
  );
}

/** `allow a b c`, broken into lines. */
function lines(action: string, calls: readonly string[], where: string): string {
  const done: string[] = [];
  let line = action;
  for (const call of calls) {
    if (line.length + 1 + call.length > 100) {
      done.push(line);
      line = '   ';
    }
    line += ` ${call}`;
  }
  done.push(where === '' ? line : `${line} where ${where}`);
  return `${done.join('\n')}\n`;
}
