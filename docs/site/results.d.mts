/** Reads the newest results of `npm run bench`. Returns undefined where there are none. */
export function newestResults(root: string): unknown;
