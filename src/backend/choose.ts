import type { SandboxSpec } from '../resolve/index.js';
import type { Backend, LoweredSpec } from './backend.js';
import { landlockBackend } from './landlock.js';
import { namespaceBackend } from './namespaces.js';

/** The backend that a spec was resolved for. */
export const backendOf = ({ isolation }: Pick<SandboxSpec, 'isolation'>): Backend =>
  isolation === 'landlock' ? landlockBackend : namespaceBackend;

/** Equal options have the same spec (src/resolve/spec-cache.ts), which is lowered once. */
const known = new WeakMap<SandboxSpec, LoweredSpec>();

/** A spec for its backend. @throws SupportError `ERR_BACKEND`, as {@link Backend.lower} */
export function loweredOf(spec: SandboxSpec, privateRoot?: string): LoweredSpec {
  if (privateRoot !== undefined) return backendOf(spec).lower(spec, privateRoot);
  const before = known.get(spec);
  if (before !== undefined) return before;
  const lowered = backendOf(spec).lower(spec);
  known.set(spec, lowered);
  return lowered;
}
