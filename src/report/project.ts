import type { RunReport } from './types.js';

/** Says which project was found around the current directory, and how to do without. */
export const projectText = ({
  path,
  marker,
}: NonNullable<RunReport['sandbox']['project']>): string =>
  `${path}, which has ${marker}. To mount the current directory alone: --workdir .`;
