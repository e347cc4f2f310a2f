/**
 * Run ids: nine characters that sort by time and are quick to type.
 *
 * Seven digits of base 32 (Crockford's, so no i, l, o, u) count sixteenths of a second since 2026;
 * two more are random. Uniqueness is mkdir(2)'s: an id that exists is drawn again.
 */
import { randomBelow } from '../../host/index.js';

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
/** In place of an id where no run is made. */
export const unmadeRunId = '0'.repeat(9);

const epochMs = Date.UTC(2026, 0, 1);
const timeDigits = 7;
const pattern = /^[0-9a-hjkmnp-tv-z]{9}$/;
const prefixPattern = /^[0-9a-hjkmnp-tv-z]{3,9}$/;

function digits(value: number, count: number): string {
  let out = '';
  let rest = value;
  for (let i = 0; i < count; i++) {
    out = alphabet.charAt(rest % 32) + out;
    rest = Math.floor(rest / 32);
  }
  return out;
}

/** A new id for a run that starts at `now`. */
export function newRunId(now: Date): string {
  const ticks = Math.max(0, Math.floor((now.getTime() - epochMs) / 62.5));
  return digits(ticks, timeDigits) + digits(randomBelow(32 * 32), 2);
}

/** Whether a name is a run id; a directory of any other name is not ours. */
export function isRunId(text: string): boolean {
  return pattern.test(text);
}

/** Whether text can be an id or the beginning of one. */
export function isRunIdPrefix(text: string): boolean {
  return prefixPattern.test(text);
}
