/** Finds leads in the output that a program of the library wrote. */
import { realHost } from '../host/index.js';
import { leadsOfOutput } from '../leads/index.js';
import { loadNative } from '../native/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import type { FindLeads } from './result.js';

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * @param argv of the program
 * @param more variables of it, beside those of its sandbox
 */
export function leadsFinder(
  spec: SandboxSpec,
  argv: readonly string[],
  more: Variables = {},
): FindLeads {
  const passed = new Set([...Object.keys(spec.env), ...Object.keys(more)]);
  return (tail) =>
    leadsOfOutput(spec, { argv, passed }, tail, realHost({ native: loadNative().native }));
}
