/** `PATH[:DEST]`, as options and profiles write it. A colon of the path is written `\:`. */

/** A mapping's two parts; the form is that of a `PathMapping`. */
export function splitMapping(text: string): {
  path: string;
  dest: string | undefined;
  within?: undefined;
} {
  const parts = text.split(/(?<!\\):/);
  const [path = '', ...rest] = parts.map((part) => part.replaceAll('\\:', ':'));
  return { path, dest: rest.length === 0 ? undefined : rest.join(':') };
}

/** The other way round; undefined where no mapping can say it. */
export function joinMapping(path: string, dest?: string): string | undefined {
  const parts = dest === undefined ? [path] : [path, dest];
  if (parts.some((part) => /\\(:|$)/.test(part))) return undefined;
  return parts.map((part) => part.replaceAll(':', '\\:')).join(':');
}
