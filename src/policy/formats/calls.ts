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

  /** Whether some architecture has the call. */
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

/** `allow a b c`, broken into lines. */
export function ruleText(action: string, calls: readonly string[], where = ''): string {
  const lines: string[] = [];
  let line = action;
  for (const call of calls) {
    if (line.length + 1 + call.length > 100) {
      lines.push(line);
      line = '   ';
    }
    line += ` ${call}`;
  }
  lines.push(where === '' ? line : `${line} where ${where}`);
  return `${lines.join('\n')}\n`;
}
