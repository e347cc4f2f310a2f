/** The end of a run that changed nothing. */
import { countChanges, type FinishReport, type Run } from '../model/index.js';

export const unchanged = ({ record: { id } }: Run): FinishReport => ({
  id,
  summary: countChanges([]),
  changes: [],
  disposition: 'none',
});
