/**
 * Run ids: nine characters of Crockford's base 32 (no i, l, o, u) that sort by time and are quick to
 * type. addon/rundir/id.c makes them.
 */
const pattern = /^[0-9a-hjkmnp-tv-z]{9}$/;
const prefixPattern = /^[0-9a-hjkmnp-tv-z]{3,9}$/;

/** Returns whether a name is a run id; a directory of any other name is not ours. */
export function isRunId(text: string): boolean {
  return pattern.test(text);
}

/** Returns whether text can be an id or the beginning of one. */
export function isRunIdPrefix(text: string): boolean {
  return prefixPattern.test(text);
}

/** The part of an ID that counts sixteenths of a second. */
export const tickOf = (id: string): string => id.slice(0, 7);

export const isTick = (value: unknown): value is string =>
  typeof value === 'string' && /^[0-9a-hjkmnp-tv-z]{7}$/.test(value);

/** Names of frozen layers: the run that froze it, and which of its layers it is. */
const layerPattern = /^[0-9a-hjkmnp-tv-z]{9}-[1-9]\d{0,9}$/;

export function isLayerName(text: string): boolean {
  return layerPattern.test(text);
}

/** A new name for the file that says, in a run's directory, that a rollback is under way. */
export const newResetName = (): string => `reset-${process.hrtime.bigint()}`;

export const isResetName = (text: unknown): text is string =>
  typeof text === 'string' && /^reset-\d{1,20}$/.test(text);
