/** `PATH[:DEST]`, as options and profiles write it. A colon of the path is written `\:`. */

/** Splits a mapping into its two parts, in the form of a `PathMapping`. */
export function splitMapping(text: string): {
  path: string;
  dest: string | undefined;
  within?: undefined;
} {
  const parts = text.split(/(?<!\\):/);
  const [path = '', ...rest] = parts.map((part) => part.replaceAll('\\:', ':'));
  return { path, dest: rest.length === 0 ? undefined : rest.join(':') };
}

/** Joins two parts into a mapping. Returns undefined for paths that the form cannot express. */
export function joinMapping(path: string, dest?: string): string | undefined {
  const parts = dest === undefined ? [path] : [path, dest];
  if (parts.some((part) => /\\(:|$)/.test(part))) return undefined;
  return parts.map((part) => part.replaceAll(':', '\\:')).join(':');
}
