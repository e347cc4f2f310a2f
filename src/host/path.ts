/** Paths as text, absolute and normalized. */
/** Returns whether `path` is `directory` or below it. Both are absolute and normalized. */
export function isWithin(path: string, directory: string): boolean {
  if (directory === '/') return true;
  return path === directory || path.startsWith(`${directory}/`);
}
