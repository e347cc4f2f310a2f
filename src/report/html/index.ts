/** The report as one HTML page. Loaded only for `--html`. */
export { htmlPage } from './page.js';
