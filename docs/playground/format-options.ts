/** Playground. The formats of other tools that are text, as choices. */
import { el } from './dom.js';

/** The names are those of `importFormats` of `wasbox/policy`; the page does not load those. A test compares. */
const formats = [
  ['oci', 'OCI: Docker, Podman, Kubernetes, runc'],
  ['spo', 'Security Profiles Operator'],
  ['systemd', 'systemd'],
  ['firejail', 'firejail'],
  ['minijail', 'minijail'],
  ['kafel', 'kafel, nsjail'],
  ['seccompiler', 'seccompiler, Firecracker'],
] as const;

export const formatOptions = (): HTMLElement[] =>
  formats.map(([value, text]) => el('option', { value }, text));
