/** All that runs programs, as one part of the library. */
export { refuseOtherRuntimes } from '../native/index.js';
export { resolveOnly } from './dry-run-plan.js';
export { spawnNow } from './start.js';
export { runWhole } from './whole-run.js';
