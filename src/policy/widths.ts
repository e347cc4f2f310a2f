/** Widths of the arguments that a policy's rules compare. */
import {
  architectures,
  argumentsOf,
  type CoreResult,
  callName,
  constantSets,
  constantValue,
} from '../core/index.js';
import type { Architecture } from './source.js';

/** An argument that rules compare, in the low bits that the kernel reads. */
export interface ComparedArgument {
  /** Architectures that compare it so. */
  readonly arch: readonly Architecture[];
  readonly call: string;
  readonly argument: string;
  /** 16, 32 or 64; undefined where every rule is for commands that read fewer bits. */
  readonly bits: number | undefined;
  /** Commands of another argument, which rules can meet, for which fewer bits are read. */
  readonly narrow:
    | { readonly argument: string; readonly commands: readonly string[]; readonly bits: number }
    | undefined;
}

/** Constants of the same set that are values of fcntl's argument. */
const notCommands = /^F_(SEAL_|OWNER_|[A-Z]*LCK$)/;

/** Names of commands, in the words of the argument that has them; numbers where there is none. */
function commandNames(
  arch: number,
  set: number | undefined,
  ranges: readonly (readonly [number, number])[],
): string[] {
  const members = (set === undefined ? [] : (constantSets()[set]?.members ?? [])).filter(
    (name) => !notCommands.test(name),
  );
  const known = new Map(members.map((name) => [constantValue(arch, name), name]));
  return ranges.flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, i) => {
      const value = first + i;
      return known.get(BigInt(value)) ?? (value < 4096 ? `${value}` : `0x${value.toString(16)}`);
    }),
  );
}

export function comparedArguments(widths: CoreResult['widths']): ComparedArgument[] {
  const found = new Map<string, ComparedArgument>();
  const archs = architectures();
  for (const { arch, number, argument, narrow, wide } of widths) {
    const list = argumentsOf(arch, number);
    const own = list[argument];
    const name = archs[arch]?.name;
    if (own === undefined || name === undefined) continue;
    const by = narrow === 1 ? own.byCommand : undefined;
    const selector = by && list[by.argument];
    const one: ComparedArgument = {
      arch: [name as Architecture],
      call: callName(arch, number) ?? '',
      argument: own.name,
      bits: wide === 1 ? own.bits : undefined,
      narrow: by &&
        selector && {
          argument: selector.name,
          commands: commandNames(arch, selector.constants, by.commands),
          bits: by.bits,
        },
    };
    const key = JSON.stringify({ ...one, arch: undefined });
    found.set(key, { ...one, arch: [...(found.get(key)?.arch ?? []), ...one.arch] });
  }
  return [...found.values()];
}

/** One line: `compares fcntl arg (x86_64): 32 bits when cmd is F_DUPFD, F_SETFD; else 64`. */
export function widthText({ arch, call, argument, bits, narrow }: ComparedArgument): string {
  const place = `compares ${call} ${argument} (${arch.join(', ')})`;
  if (narrow === undefined) return `${place}: ${bits} bits`;
  const when = `${narrow.bits} bits when ${narrow.argument} is ${narrow.commands.join(', ')}`;
  return bits === undefined ? `${place}: ${when}` : `${place}: ${when}; else ${bits}`;
}
