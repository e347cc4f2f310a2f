/** Turns the audit of a run into a profile that allows just that. */
export {
  features,
  learn,
  learnPolicy,
  profileText,
  readLearned,
  type Seen,
  warningsOn,
} from './learn.js';
