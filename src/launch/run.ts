/** The library's `run`. What it does is loaded by the first call (program.ts). */
import { calledFrom, callSite } from './caller.js';
import type { RunLibraryOptions, RunSettings } from './options.js';
import { withRuns } from './program.js';
import type { RunResult } from './result.js';

/**
 * Runs a script or command in a sandbox and collects its output.
 *
 * @example
 * const { stdout, exitCode } = await run('script.py', ['--fast']);
 * const { exitCode } = await run(['make', 'test'], { timeoutMs: 60_000 });
 * const { stdout } = await run({ lang: 'python', code: 'print(1 + 1)' });
 *
 * @throws UsageError for arguments of the wrong kind
 * @throws UsageError for options that are invalid or contradict each other
 * @throws PolicyError where the policy does not compile
 * @throws LaunchError or SupportError where the payload could not be started
 * @throws AbortError where the signal was aborted; `result` has the output and the report so far
 */
export function run(words: readonly string[], options?: RunSettings): Promise<RunResult>;
export function run(
  command: string,
  args?: readonly string[],
  options?: RunSettings & { readonly lang?: string | undefined },
): Promise<RunResult>;
export function run(
  command: string,
  options: RunSettings & {
    readonly args?: readonly string[] | undefined;
    readonly lang?: string | undefined;
  },
): Promise<RunResult>;
export function run(options: RunLibraryOptions): Promise<RunResult>;
export function run(...given: readonly unknown[]): Promise<RunResult> {
  const site = callSite(run);
  return withRuns(given, ({ runWhole }, own) => runWhole(own)).then(
    ({ result }) => result,
    (error: unknown) => {
      throw calledFrom(site, error);
    },
  );
}
