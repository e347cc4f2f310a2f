/** Backends: a {@link SandboxSpec} becomes what init carries out on this machine, or is refused. */
export type { Backend, LoweredSpec, NamespaceName } from './backend.js';
export { namespaceBackend, ownNamespaces } from './namespaces.js';
export type { Operation } from './operation.js';
