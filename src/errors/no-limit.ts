/** Says what to write for no limit, where a value shows that none was meant. */

const words =
  /^(?:-\d+\D{0,3}|0+(?:\.0+)?\D{0,3}|[-+]?inf(?:init[ey])?|no|off|never|max|null|false)$/i;

/** Returns whether a value means no limit in other programs: 0, -1, null, `infinity`. */
export const meansNoLimit = (value: unknown): boolean =>
  value === null ||
  value === false ||
  (typeof value === 'number' && value <= 0) ||
  (typeof value === 'string' && words.test(value));

/** Says what the library takes for no limit. */
export const noLimitInLibrary = (property: string): string =>
  `For no limit: { ${property}: Infinity }`;

/** Says so behind a sentence; '' for a value that meant a limit. */
export const orNoLimit = (property: string, value: unknown): string =>
  meansNoLimit(value) ? ` ${noLimitInLibrary(property)}` : '';
