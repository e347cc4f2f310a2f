/** The tables for reading policies: calls, their arguments, constants. */
import {
  architectures,
  argumentsOf,
  callNumber,
  constantSets,
  constantValue,
  groups,
} from '../core/index.js';
import { archIndex } from './action.js';
import type { Architecture } from './source.js';

/** An argument of a system call, as a filter sees it. */
export interface CallArgument {
  /** The name in a policy, and the kernel's own where that is another. */
  readonly name: string;
  readonly alias: string | undefined;
  /** How it is compared; what a `pointer` leads to cannot be inspected. */
  readonly type: 'int' | 'uint' | 'long' | 'ulong' | 's64' | 'u64' | 'pointer';
  /** Low bits that the kernel reads: 16, 32 or 64. */
  readonly bits: number;
  /** Fewer for some commands: ranges of values of the argument at that position. */
  readonly byCommand:
    | {
        readonly argument: number;
        readonly bits: number;
        readonly commands: readonly (readonly [number, number])[];
      }
    | undefined;
  /** Name of the set of constants that belong to it, see `listConstants`. */
  readonly constants: string | undefined;
}

/** A system call that an architecture has. */
export interface ListedCall {
  readonly name: string;
  /** The number as the kernel sees it, with x32's bit. */
  readonly number: number;
  readonly arguments: readonly CallArgument[];
}

/** A symbolic constant with its value on an architecture. */
export interface ListedConstant {
  readonly name: string;
  readonly value: bigint;
}

/** All system calls of an architecture, by name. */
export function listCalls(arch: Architecture): ListedCall[] {
  const index = archIndex(arch);
  const { numberBase = 0 } = architectures()[index] ?? {};
  const sets = constantSets();
  return (groups().get('known') ?? []).flatMap((name): ListedCall[] => {
    const number = callNumber(index, name);
    if (number === undefined) return [];
    const args = argumentsOf(index, number).map((argument) => ({
      ...argument,
      constants: argument.constants === undefined ? undefined : sets[argument.constants]?.name,
    }));
    return [{ name, number: (number + numberBase) >>> 0, arguments: args }];
  });
}

/** The constants that an architecture has, by the name of their set: `domain`, `errno`, … */
export function listConstants(arch: Architecture): Map<string, ListedConstant[]> {
  const index = archIndex(arch);
  return new Map(
    constantSets().map(({ name, members }) => [
      name,
      members.flatMap((constant): ListedConstant[] => {
        const value = constantValue(index, constant);
        return value === undefined ? [] : [{ name: constant, value }];
      }),
    ]),
  );
}
