/** The options of a program with those that a report advises, as `withAdvice` does it for a command line. */
import { parseRunArguments } from './parse.js';
import { joinRules, readAdvice } from './rewrite.js';
import type { RunOptions } from './run-options.js';
import { type OptionEntry, runOptionTable } from './table.js';

/**
 * The properties that change.
 * @param advice options as a report shows them: `--ro '/a b'`
 */
export function advisedOptions(given: RunOptions, advice: readonly string[]): RunOptions {
  const changed: Record<string, unknown> = {};
  for (const text of advice) {
    for (const [entry, word] of readAdvice(runOptionTable, text)) {
      const parsed = parseRunArguments([`--${entry.name}=${word}`]) as Readonly<
        Record<string, unknown>
      >;
      const { property } = entry;
      const before = changed[property] ?? (given as Readonly<Record<string, unknown>>)[property];
      changed[property] = joined(entry, before, parsed[property]);
    }
  }
  return changed;
}

function joined(entry: OptionEntry, before: unknown, value: unknown): unknown {
  if (before === undefined) return value;
  if (entry.kind === 'network') return joinRules([before, value].flat().map(String));
  if (entry.kind === 'variable') return { ...(before as object), ...(value as object) };
  if (entry.repeatable !== true) return value;
  return [...new Set([...(before as unknown[]), ...(value as unknown[])])];
}
