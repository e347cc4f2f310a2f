/** What sandboxes need on this machine, each tried: `doctor`. */
export type { Diagnosis, DoctorHost } from './diagnosis.js';
export { runtime } from './doctor.js';
export { doctor } from './program.js';
export type { Finding, Verdict } from './run.js';
