/** Stage: spec. Options and a host become a {@link SandboxSpec}. */

export { parseGlob, startState, step } from './glob.js';
export type { FileInfo, FileKind, Host, HostFiles, HostUser } from './host.js';
export { joinMapping, splitMapping } from './mapping.js';
export { addressText, isMapped } from './net-address.js';
export { type NetRule, readNetRule } from './net-rules.js';
export { type OptionEntry, runOptionTable } from './options.js';
export { type ParsedLine, parseLine, parseRunArguments } from './parse.js';
export { randomBelow } from './random.js';
export { type RealHostOptions, realHost } from './real-host.js';
export { type Recording, recordHost, type Witness } from './recording-host.js';
export { memoryMs } from './remembering-host.js';
export { resolveRepeatedly } from './repeated.js';
export { resolveSpec } from './resolve.js';
export { findCgroup } from './resolve-cgroup.js';
export type {
  FrontOptions,
  PathMapping,
  RunArguments,
  RunOptions,
  VariableMap,
} from './run-options.js';
export { isWithin } from './tree.js';
export type * from './types.js';
export { leadsOut, untrustedLink, untrustedSources } from './untrusted-link.js';
export { sizeText } from './values.js';
export { secretPatterns } from './visibility.js';
