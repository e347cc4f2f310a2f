/**
 * A backend keeps what a {@link SandboxSpec} says with what one kind of machine offers. It lowers the spec to
 * what init carries out, and refuses what it cannot keep: it never leaves a part of it out.
 */
import { SupportError } from '../errors/index.js';
import type { FileEntry, HostView, Isolation, PrivateView, SandboxSpec } from '../resolve/index.js';
import type { Operation } from './operation.js';

/** Namespaces that a sandbox can have to itself. namespaces(7) */
export type NamespaceName = 'mount' | 'cgroup' | 'uts' | 'ipc' | 'user' | 'pid' | 'net';

/** A spec as init is to carry it out. */
export interface LoweredSpec {
  readonly spec: SandboxSpec;
  readonly namespaces: readonly NamespaceName[];
  /** The file tree; nothing without a mount namespace. */
  readonly operations: readonly Operation[];
  /** The private root of a run without namespaces. */
  readonly privateRoot?: PrivateRoot | undefined;
}

/** A place that Landlock lets the payload use, as the host names it. */
export interface Grant {
  readonly path: string;
  readonly access: 'read' | 'list' | 'write' | 'device' | 'own';
  readonly directory: boolean;
}

/** A directory of the private root. */
export interface PrivateDirectory {
  readonly name: string;
  /** The view that it stands for: what a copy is made of, or whose layer it becomes. */
  readonly view?: HostView | PrivateView | undefined;
  /** Paths in the view that are not copied. */
  readonly leftOut: readonly string[];
}

/**
 * Describes what a run without namespaces is made of instead: directories of its own, and what it may read beside them.
 */
export interface PrivateRoot {
  /** The path on the host; canonical. */
  readonly path: string;
  readonly directories: readonly PrivateDirectory[];
  readonly files: readonly { readonly path: string; readonly entry: FileEntry }[];
  readonly grants: readonly Grant[];
}

export interface Backend {
  readonly name: Isolation;
  /**
   * @param privateRoot of a run without namespaces: where its directories are, or are to be made
   * @throws SupportError `ERR_BACKEND`: what the spec asks for that this backend cannot keep
   */
  lower(spec: SandboxSpec, privateRoot?: string): LoweredSpec;
}

/** Returns the error of a backend for a part of the spec that it cannot keep. */
export function cannotKeep(what: string, hint: string): SupportError {
  return new SupportError('ERR_BACKEND', what, { hint });
}
