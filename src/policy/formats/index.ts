/** Readers and writers of other tools' formats. */
import type { FormatInput, FormatResult } from './findings.js';
import { readMinijail } from './minijail.js';

export { Findings, mostSource } from './findings.js';

export type FormatReader = (input: FormatInput) => FormatResult;

/** What can be imported, and whose format it is. */
export const importFormats = {
  oci: 'Docker, Podman, Kubernetes, runc',
  minijail: 'minijail, ChromeOS, Android',
} as const;

export type ImportFormat = keyof typeof importFormats;

/** OCI profiles are read by the core. */
export const readers: Readonly<Partial<Record<ImportFormat, FormatReader>>> = {
  minijail: readMinijail,
};
