/** Options and a host become a {@link SandboxSpec}, in which nothing is left to decide. */
export { findCgroup } from './cgroup.js';
export { isPythonTool } from './command-errors.js';
export { isWeakerNote, notAvailable, ownOf } from './isolation.js';
export {
  isKept,
  keptTrees,
  layerName,
  layerOf,
  privateCopyName,
  privateHomeName,
  viewsOfRun,
} from './kept.js';
export { languageByExtension, languageByName, languageNames } from './languages.js';
export { isStartNote } from './layer-place.js';
export { runsTypeScript } from './node-version.js';
export { isPackageWord } from './package-words.js';
export {
  damagedText,
  MissingPackages,
  type PackageSet,
  packagesName,
  type SetMark,
  stateOfSet,
  unfinishedName,
  wholeMark,
  withName,
  withoutHint,
} from './packages.js';
export { cachesName } from './presets.js';
export { findProject } from './project.js';
export { readPublished } from './publish.js';
export { composerHosts, hostsOfRegistry } from './registry-hosts.js';
export { resolveSpec } from './resolve.js';
export { fitsPython, scriptBlock } from './script-block.js';
export { importsOfNode } from './script-packages.js';
export { isSecretVariable, type ListNames, secretAt, secretOf } from './secret-path.js';
export type {
  AskingSpec,
  CommandSpec,
  DeviceView,
  DevptsView,
  DirectoryEntry,
  FileEntry,
  FileIdentity,
  Guards,
  HostView,
  IdentitySpec,
  IdRange,
  ImageSpec,
  Isolation,
  LimitsSpec,
  LowerDirectory,
  MqueueView,
  NetworkSpec,
  PolicySpec,
  PrivateView,
  ProcView,
  SandboxSpec,
  SymlinkEntry,
  TerminalMode,
  View,
  ViewOrigin,
} from './spec.js';
export { resolveWithCache } from './spec-cache.js';
export { ownDirectory } from './system.js';
export { terminalVariables } from './terminal.js';
export { leadsOut, untrustedLink, untrustedSources } from './untrusted-link.js';
export { isCopied, isReadOnly, reachesHost } from './views.js';
export { secretPatterns } from './visibility.js';
export { resolveWorkdir } from './workdir.js';
