/**
 * Keeps what learning made of a directory that was shown: places in it, whose names the program
 * chose. Each stays within that directory, wherever a link in it leads when the profile is used.
 */

import { isWithin } from '../host/index.js';
import type { PathMapping } from '../options/index.js';
import { splitMapping } from '../options/index.js';

/** Returns what a profile keeps under `[learned]`: absolute paths that were shown. Undefined if damaged. */
export function readShown(learned: unknown): readonly string[] | undefined {
  const shown = (learned as { shown?: unknown } | null | undefined)?.shown ?? [];
  const good = Array.isArray(shown) && shown.every((one) => typeof one === 'string');
  return good ? (shown as string[]) : undefined;
}

/** @param mappings of the profile's `files.read-only` */
export function keptWithin(
  mappings: readonly PathMapping[],
  shown: readonly string[],
): readonly PathMapping[] {
  return mappings.map((mapping) => {
    const { path, dest } = typeof mapping === 'string' ? splitMapping(mapping) : mapping;
    // A mapping that was given so was not made by learning.
    if (dest !== undefined || shown.includes(path)) return mapping;
    const [within] = shown.filter((one) => isWithin(path, one)).sort((a, b) => b.length - a.length);
    return within === undefined ? mapping : { path, within };
  });
}
