/**
 * A backend keeps what a {@link SandboxSpec} says with what one kind of machine offers. It lowers the spec to
 * what init carries out, and refuses what it cannot keep: it never leaves a part of it out.
 */
import { SupportError } from '../errors/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import type { Operation } from './operation.js';

/** Namespaces that a sandbox can have to itself. namespaces(7) */
export type NamespaceName = 'mount' | 'cgroup' | 'uts' | 'ipc' | 'user' | 'pid' | 'net';

/** A spec as init is to carry it out. */
export interface LoweredSpec {
  readonly spec: SandboxSpec;
  readonly namespaces: readonly NamespaceName[];
  /** The file tree; nothing without a mount namespace. */
  readonly operations: readonly Operation[];
}

export interface Backend {
  readonly name: 'namespaces';
  /**
   * @throws SupportError `ERR_BACKEND`: what the spec asks for that this backend cannot keep
   */
  lower(spec: SandboxSpec): LoweredSpec;
}

/** What a backend says of a spec that it cannot keep. */
export function cannotKeep(what: string, hint: string): SupportError {
  return new SupportError('ERR_BACKEND', what, { hint });
}
