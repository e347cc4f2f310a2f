/** Tells when something was refused, as a field of the report. */

/**
 * Milliseconds since the start, with the microseconds that tell one call from the next; nothing where one
 * of the two times is not known.
 */
export function timeOf(
  ns: number | undefined,
  startedNs: number | undefined,
): { readonly atMs?: number } {
  if (ns === undefined || startedNs === undefined) return {};
  return { atMs: Math.round((ns - startedNs) / 1000) / 1000 };
}
