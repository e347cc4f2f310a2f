/** The command line: one file per verb. */
export { finishRunVerb } from './finish-run.js';
export { commandLine } from './main.js';
