/** Names of the tables, for the corrected line that a message shows. */
import {
  architectures,
  argumentsOf,
  type CoreArgument,
  callNumber,
  constantSets,
} from '../../core/index.js';

/** Arguments on the first architecture that has the call. */
function argumentsFor(call: string): readonly CoreArgument[] {
  for (const { index } of architectures()) {
    const number = callNumber(index, call);
    if (number !== undefined) return argumentsOf(index, number);
  }
  return [];
}

export const isCall = (name: string): boolean =>
  architectures().some(({ index }) => callNumber(index, name) !== undefined);

export const argumentNames = (call: string): string[] => argumentsFor(call).map(({ name }) => name);

/** The argument of a call that a constant belongs to. */
export function argumentFor(call: string, constant: string): string | undefined {
  const sets = constantSets();
  return argumentsFor(call).find(
    ({ constants }) => constants !== undefined && sets[constants]?.members.includes(constant),
  )?.name;
}
