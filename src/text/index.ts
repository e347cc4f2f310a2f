/**
 * Makes text that others wrote safe to show a person: nothing in it is invisible, and
 * nothing in it steers a terminal. Pure, and safe for browsers.
 */
export { bytesOfHex, concatBytes, isBytes } from './bytes.js';
export { escapedNote } from './escapes.js';
export { jsonText } from './json.js';
export { displayPath, gitPath } from './path.js';
export { plain } from './plain.js';
export { Tally } from './tally.js';
export { piecesOf } from './utf8.js';
export { isRecord, withInherited } from './values.js';
export { displayText, isVisible, replaceInvisible, visible, visibleBytes } from './visible.js';
