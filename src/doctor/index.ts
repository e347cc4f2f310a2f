/** What sandboxes need on this machine, each tried: `doctor`. */
export { type Diagnosis, type DoctorHost, doctor, runtime } from './doctor.js';
export type { Finding, Verdict } from './run.js';
