/** Options and a host become a {@link SandboxSpec}, in which nothing is left to decide. */
export { findCgroup } from './cgroup.js';
export { resolveSpec } from './resolve.js';
export type {
  AskingSpec,
  CommandSpec,
  FileIdentity,
  Guards,
  IdentitySpec,
  IdRange,
  LowerDirectory,
  Mount,
  NetworkSpec,
  PolicySpec,
  SandboxSpec,
  TerminalMode,
} from './spec.js';
export { resolveWithCache } from './spec-cache.js';
export { leadsOut, untrustedLink, untrustedSources } from './untrusted-link.js';
export { secretPatterns } from './visibility.js';
