import type { SandboxSpec } from '../resolve/index.js';
import type { Backend } from './backend.js';
import { landlockBackend } from './landlock.js';
import { namespaceBackend } from './namespaces.js';

/** The backend that a spec was resolved for. */
export const backendOf = ({ isolation }: Pick<SandboxSpec, 'isolation'>): Backend =>
  isolation === 'landlock' ? landlockBackend : namespaceBackend;
