/** The report as one HTML page. Loaded only for `--html`. */

export type { PageDiff, PageDiffs } from './changes.js';
export { htmlPage } from './page.js';
