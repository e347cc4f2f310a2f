/** The options of a profile and those of the command line, as one. */

import type { RunOptions } from '../options/index.js';
import { type OptionEntry, runOptionTable } from '../options/index.js';
import type { Profile } from './read.js';

const rows: readonly OptionEntry[] = runOptionTable;

/** The options together: what the command line says goes before the profile; lists are joined. */
export function withProfile<O extends RunOptions>(options: O, profile: Profile | undefined): O {
  if (profile === undefined) return options;
  const merged: Record<string, unknown> = { ...profile.options };
  for (const [property, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const before = merged[property];
    const entry = rows.find((row) => row.property === property);
    if (before !== undefined && entry?.kind === 'variable')
      merged[property] = { ...before, ...value };
    else if (Array.isArray(before) && entry?.repeatable === true) {
      merged[property] = [...before, ...(value as unknown[])];
    } else merged[property] = value;
  }
  return merged as O;
}
