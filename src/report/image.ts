import type { RunReport } from './types.js';

/** Says which image was the root, and which of those that had this name. */
export const imageText = ({ reference, id }: NonNullable<RunReport['sandbox']['image']>): string =>
  id === undefined ? reference : `${reference} (${id})`;
