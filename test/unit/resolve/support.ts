/** The resolver's tests share these functions. */
import { WasboxError } from '../../../src/errors/index.js';
import type { ResolveOptions, RunOptions } from '../../../src/options/run-options.js';
import { type Caller, resolveSpec } from '../../../src/resolve/resolve.js';
import type { SandboxSpec, View } from '../../../src/resolve/spec.js';
import { type FakeMachine, fakeHost } from './fake-host.js';

export function resolve(
  options: ResolveOptions,
  machine: FakeMachine = {},
  caller: Caller = {},
): SandboxSpec {
  return resolveSpec({ command: 'script.py', ...options }, fakeHost(machine), caller);
}

export function resolveCode(options: RunOptions, machine: FakeMachine = {}): SandboxSpec {
  return resolveSpec(options, fakeHost(machine));
}

/** The error that `act` ends with. */
export function failing(act: () => unknown): WasboxError {
  try {
    act();
  } catch (error) {
    if (error instanceof WasboxError) return error;
    throw error;
  }
  throw new Error('accepted');
}

export const refusal = (options: RunOptions, machine: FakeMachine = {}): WasboxError =>
  failing(() => resolve(options, machine));

export function mountAt(spec: SandboxSpec, target: string): View | undefined {
  return spec.views.find((mount) => mount.target === target);
}

/** Host paths that the sandbox shows. */
export function sources(spec: SandboxSpec): string[] {
  return spec.views.flatMap((mount) => (mount.type === 'host' ? [mount.source] : []));
}
