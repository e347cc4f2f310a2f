/** The library's `spawn`: a sandbox with streams. What it does is loaded by the first call (program.ts). */
import { calledFrom, callSite } from './caller.js';
import type { Program, SpawnOptions, SpawnSettings, Stdio, TerminalSettings } from './options.js';
import { withRuns } from './program.js';
import type { Sandbox, TerminalSandbox } from './sandbox.js';

/** Three pipes. */
export type Piped = readonly ['pipe', 'pipe', 'pipe'];

/**
 * Starts a script or command in a sandbox and gives access to its streams.
 *
 * @example
 * await using sandbox = await spawn('./server.py', { net: ['localhost:8000'] });
 * for await (const line of sandbox.stdoutLines()) console.log(line);
 *
 * @throws UsageError for arguments of the wrong kind
 * @throws UsageError for options that are invalid or contradict each other
 * @throws PolicyError where the policy does not compile
 * @throws AbortError where the signal is aborted before the start
 */
export function spawn(
  command: string,
  args: readonly string[] | undefined,
  options: TerminalSettings & { readonly lang?: string | undefined },
): Promise<TerminalSandbox>;
export function spawn(
  command: string,
  options: TerminalSettings & {
    readonly args?: readonly string[] | undefined;
    readonly lang?: string | undefined;
  },
): Promise<TerminalSandbox>;
export function spawn(
  words: readonly string[],
  options: TerminalSettings,
): Promise<TerminalSandbox>;
export function spawn(options: TerminalSettings & Program): Promise<TerminalSandbox>;
export function spawn<const S extends Stdio = Piped>(
  command: string,
  args?: readonly string[],
  options?: SpawnSettings<S> & { readonly lang?: string | undefined },
): Promise<Sandbox<S>>;
export function spawn<const S extends Stdio = Piped>(
  command: string,
  options: SpawnSettings<S> & {
    readonly args?: readonly string[] | undefined;
    readonly lang?: string | undefined;
  },
): Promise<Sandbox<S>>;
export function spawn<const S extends Stdio = Piped>(
  words: readonly string[],
  options?: SpawnSettings<S>,
): Promise<Sandbox<S>>;
export function spawn<const S extends Stdio = Piped>(options: SpawnOptions<S>): Promise<Sandbox<S>>;
export function spawn(...given: readonly unknown[]): Promise<Sandbox> {
  const site = callSite(spawn);
  return withRuns(given, ({ spawnNow }, own) => spawnNow(own)).catch((error: unknown) => {
    throw calledFrom(site, error);
  });
}
