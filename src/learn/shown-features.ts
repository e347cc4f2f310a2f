/** Tells which features of the table a program showed. */
import type { FeatureName } from '../syscalls/index.js';
import { callsShowing, type Feature, features } from './features.js';
import type { Seen } from './seen.js';

/** All features of what was seen, and those that they include. */
export function shownFeatures(seen: Seen): Feature[] {
  const shown = ({ name }: Feature) =>
    seen.features.includes(name) ||
    callsShowing(name).some((call) => Object.hasOwn(seen.calls, call));
  const found = new Set<FeatureName>(features.filter(shown).map(({ name }) => name));
  // The set grows while the loop runs: an included feature includes more.
  for (const name of found) {
    for (const more of features.find((one) => one.name === name)?.includes ?? []) found.add(more);
  }
  return features.filter(({ name }) => found.has(name));
}

/** Values of an argument that were seen, and those that come with a feature. */
export function valuesOf(seen: Seen, key: string): readonly string[] {
  const more = shownFeatures(seen).flatMap(({ values }) => values?.[key] ?? []);
  return [...new Set([...(seen.values[key] ?? []), ...more])];
}
