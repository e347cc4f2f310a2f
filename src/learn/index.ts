/** From the audit of a run to a profile that allows just that. */
export {
  features,
  learn,
  learnPolicy,
  profileText,
  readLearned,
  type Seen,
  warningsOn,
} from './learn.js';
