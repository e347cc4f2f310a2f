/** What a run that failed may have lacked, by the program's own text. */
export { leadsOf } from './leads.js';
