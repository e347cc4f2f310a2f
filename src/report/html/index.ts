/** The report as one HTML page. Loaded only where it is asked for. */
export { htmlPage } from './page.js';
