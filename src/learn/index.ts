/** From the audit of a run to a profile that allows just that. */
export {
  areas,
  learn,
  learnPolicy,
  profileText,
  readLearned,
  type Seen,
  warningsOn,
} from './learn.js';
