/** The readers of other tools' formats. */
import type { FormatInput, FormatResult } from './findings.js';
import { readFirejail } from './firejail.js';
import { readKafel } from './kafel.js';
import { readMinijail } from './minijail.js';
import { readSeccompiler } from './seccompiler.js';
import { readSpo } from './spo.js';
import { readSystemd } from './systemd.js';

export type FormatReader = (input: FormatInput) => FormatResult;

/** Formats that can be imported, and whose format it is. */
export const importFormats = {
  oci: 'Docker, Podman, Kubernetes, runc',
  minijail: 'minijail, ChromeOS, Android',
  kafel: 'kafel, nsjail',
  seccompiler: 'seccompiler, Firecracker, Cloud Hypervisor',
  systemd: "systemd's units",
  firejail: 'profiles of firejail',
  spo: 'Security Profiles Operator',
  bpf: 'a compiled filter of any tool',
} as const;

export type ImportFormat = keyof typeof importFormats;

/** Readers of text; OCI profiles are read by the core, compiled filters by `readFilter`. */
export const readers: Readonly<Partial<Record<ImportFormat, FormatReader>>> = {
  minijail: readMinijail,
  kafel: readKafel,
  seccompiler: readSeccompiler,
  systemd: readSystemd,
  firejail: readFirejail,
  spo: readSpo,
};
