/** Backends: a {@link SandboxSpec} becomes what init carries out on this machine, or is refused. */
export type {
  Grant,
  LoweredSpec,
  NamespaceName,
  PrivateDirectory,
  PrivateRoot,
} from './backend.js';
export { loweredOf } from './choose.js';
export { namespaceBackend, ownNamespaces } from './namespaces.js';
export type { Operation } from './operation.js';
