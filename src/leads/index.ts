/** Why a run could not start, what it was kept from, and what it may have lacked, by the program's own text and last output. */
export { fileCauses } from './file-failures.js';
export { launchFailure } from './launch-failure.js';
export { leadsOf } from './leads.js';
export { leadsOfOutput } from './of-output.js';
export { missedServices } from './services.js';
export { adviseSetupFailure, cannotBind, udpObstacle } from './set-up.js';
