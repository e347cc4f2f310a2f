/** Describes what a run would start, without starting it. */
import { type LoweredSpec, loweredOf } from '../backend/index.js';
import { realHost, refusePlace } from '../host/index.js';
import { loadNative } from '../native/index.js';
import { cachedPlan, compileFilters } from '../plan/index.js';
import { resolveSpec, type SandboxSpec } from '../resolve/index.js';
import { callOptions, checkCall, sandboxOptions } from './call.js';
import { privateRootUnmade } from './private-root.js';

/** The run that would start, as plain data: bytes are base64. */
export interface DryRun {
  readonly schemaVersion: 1;
  /** Everything that was decided: program, views, network, limits, policy, environment, notes. */
  readonly sandbox: Readonly<Record<string, unknown>> & {
    readonly command: { readonly path: string; readonly argv: readonly string[] };
    /** The directory inside in which the program starts. */
    readonly cwd: string;
    readonly env: Readonly<Record<string, string>>;
    readonly mounts: readonly Readonly<Record<string, unknown>>[];
    readonly namespaces: readonly string[];
    readonly notes: readonly string[];
  };
  /** The plan that init would execute, in base64. */
  readonly plan: string;
}

/**
 * The plan that {@link launch} would make of the spec.
 * @throws PolicyError where the policy does not compile
 */
export async function planOnly(spec: SandboxSpec): Promise<Uint8Array> {
  const filters = await compileFilters(spec);
  return cachedPlan(spec, { ...filters, privateRoot: privateRootUnmade(spec) });
}

/** The operations that the backend makes of the spec, with zeros for the run's id. */
export const shownAs = (spec: SandboxSpec): LoweredSpec =>
  loweredOf(spec, privateRootUnmade(spec)?.replaceAll('\0', '0'));

/** Returns a spec and its plan as `--dry-run --json` prints them. */
export function dryRunData(spec: SandboxSpec, plan: Uint8Array): DryRun {
  const lowered = shownAs(spec);
  const { operations, namespaces, privateRoot } = lowered;
  const sandbox = { ...lowered.spec, mounts: operations, namespaces, privateRoot };
  const whole = { schemaVersion: 1, sandbox, plan };
  return JSON.parse(JSON.stringify(whole, jsonValue)) as DryRun;
}

function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return value;
}

/** @param given as for `dryRun` */
export async function resolveOnly(given: readonly unknown[]): Promise<DryRun> {
  const options = callOptions('dryRun', given);
  checkCall('run', options);
  refusePlace();
  const { native } = loadNative();
  const spec = resolveSpec(sandboxOptions(options), realHost({ native }));
  return dryRunData(spec, await planOnly(spec));
}
