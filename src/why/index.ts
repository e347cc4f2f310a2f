/** Explains what a run lacked: read from an audit, or found by making the run once more, watched. */
export { type Explanation, explainReport, isOffered } from './explain.js';
export { refuseRealWrites, watched } from './rehearsal.js';
export type { WatchedExplanation } from './watch.js';
export { why } from './why.js';
