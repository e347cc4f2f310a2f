/** Tries what sandboxes need on this machine: `doctor`. */
export type { Diagnosis, DoctorHost } from './diagnosis.js';
export { runtime } from './doctor.js';
export { doctor } from './program.js';
export type { Finding, Verdict } from './run.js';
