/** Lengths of time: which ones options take, and timers of any of them. */
export { isMilliseconds, longestMs, millisecondsWords } from './length.js';
export { after, type Timer } from './timer.js';
