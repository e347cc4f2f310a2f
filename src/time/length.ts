/** Lengths of time that options take, in milliseconds. */

/** The longest one: a year. */
export const longestMs = 365 * 24 * 3600 * 1000;

/** Returns whether a value is such a length. @param least the shortest that is meant; Infinity is no limit */
export const isMilliseconds = (value: unknown, least = 1): value is number =>
  value === Number.POSITIVE_INFINITY ||
  (Number.isInteger(value) && (value as number) >= least && (value as number) <= longestMs);

/** Returns what a message says it should have been. */
export const millisecondsWords = (least = 1): string =>
  `whole milliseconds from ${least} to ${longestMs}, or Infinity`;
