/** The library's `dryRun`. What it does is loaded by the first call (program.ts). */
import { calledFrom, callSite } from './caller.js';
import type { DryRun } from './dry-run-plan.js';
import type { RunLibraryOptions, RunSettings } from './options.js';
import { withRuns } from './program.js';

/**
 * Resolves a run without starting it: what its sandbox would be, as `wasbox run --dry-run --json` prints it.
 * @throws UsageError for options that are invalid or contradict each other
 * @throws PolicyError where the policy does not compile
 */
export function dryRun(words: readonly string[], options?: RunSettings): Promise<DryRun>;
export function dryRun(
  command: string,
  args?: readonly string[],
  options?: RunSettings & { readonly lang?: string | undefined },
): Promise<DryRun>;
export function dryRun(
  command: string,
  options: RunSettings & {
    readonly args?: readonly string[] | undefined;
    readonly lang?: string | undefined;
  },
): Promise<DryRun>;
export function dryRun(options: RunLibraryOptions): Promise<DryRun>;
export function dryRun(...given: readonly unknown[]): Promise<DryRun> {
  const site = callSite(dryRun);
  return withRuns(given, ({ resolveOnly }, own) => resolveOnly(own)).catch((error: unknown) => {
    throw calledFrom(site, error);
  });
}
