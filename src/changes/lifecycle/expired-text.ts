/** Tells of runs that were discarded because they were old or took too much. */
import type { Expired } from '../model/index.js';

/** A message for the user; undefined if nothing was discarded. */
export function expiredText(expired: readonly Expired[]): string | undefined {
  const [first] = expired;
  if (first === undefined) return undefined;
  const list = expired.map(({ record }) => `${record.id} (${record.workdir.path})`).join(', ');
  const whys = new Set(expired.map(({ why }) => why));
  const reasons = [
    whys.has('age') ? 'older than 30 days' : '',
    whys.has('size') ? 'saved changes took more than 10 GiB' : '',
  ].filter(Boolean);
  return `old changes were discarded: ${list}: ${reasons.join('; ')}`;
}
