/**
 * The command that adds a run to the profile it was given, where that one was learned:
 * the options of both, as `wasbox learn` takes them.
 */

import type { PathMapping, RunOptions, VariableMap } from '../options/index.js';
import { joinMapping, type OptionEntry, runOptionTable } from '../options/index.js';

/** The options that learning decides itself, or does without. */
const left = ['profile', 'policy', 'code'];

const rows: readonly OptionEntry[] = runOptionTable.filter(
  ({ scope, name }) => scope === 'sandbox' && !left.includes(name),
);

/** Returns the text of a mapping. The places that were learned of a directory become that directory again. */
function mappingText(mapping: PathMapping): string | undefined {
  if (typeof mapping === 'string') return mapping;
  const { path, dest, within } = mapping;
  return within === undefined ? joinMapping(path, dest) : joinMapping(within);
}

/** Values of variables may be secrets: who wants them types them again. */
const variableTexts = (variables: VariableMap): string[] =>
  Object.entries(variables).map(([name, value]) => (value === true ? name : `${name}=…`));

function texts({ kind }: OptionEntry, value: unknown): (string | undefined)[] {
  if (kind === 'variable') return variableTexts(value as VariableMap);
  if (kind === 'network') return value === 'none' ? [] : [[value].flat().join(',')];
  if (kind === 'duration') {
    const ms = Number(value);
    return [ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`];
  }
  const list = Array.isArray(value) ? (value as unknown[]) : [value];
  return list.map((one) => (kind === 'mapping' ? mappingText(one as PathMapping) : String(one)));
}

/** @param options of the command line and the profile together */
export function learnAgain(options: RunOptions, file: string): readonly string[] {
  const words = ['wasbox', 'learn', '-o', file];
  for (const entry of rows) {
    const value = options[entry.property as keyof RunOptions];
    if (value === undefined) continue;
    if (entry.kind === 'flag') {
      if (value === (entry.value ?? true)) words.push(`--${entry.name}`);
      continue;
    }
    for (const text of new Set(texts(entry, value))) {
      if (text !== undefined) words.push(`--${entry.name}`, text);
    }
  }
  const { code, command, args = [] } = options;
  if (code !== undefined) words.push('-c', code);
  const operands = command === undefined ? args : [command, ...args];
  return operands.length === 0 ? words : [...words, '--', ...operands];
}
