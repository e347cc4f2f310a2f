/** The one table of single system calls: risk, advice, questions, learning, emulation. Data only. */
import { type FeatureName, type Syscall, syscalls } from './table.js';

export type { RefusalKind } from './refusals.js';
export { loadsModule } from './refusals.js';
export { type FeatureName, syscalls };

/** The row of a call. Names come from the kernel's tables, which have none like `constructor`. */
export const syscall = (name: string): Syscall =>
  (Object.hasOwn(syscalls, name) ? syscalls[name] : undefined) ?? {};

/** Names of the calls whose row holds for `test`, in the table's order. */
export const callsWhere = (test: (row: Syscall) => boolean): string[] =>
  Object.entries(syscalls).flatMap(([name, row]) => (test(row) ? name : []));
