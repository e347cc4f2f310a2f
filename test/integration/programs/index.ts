/** The table of programs that must run inside as they do outside, and the packages they need. */
import { languages } from './languages.js';
import type { Program } from './row.js';
import { system } from './system.js';
import { tools } from './tools.js';

export { otherwiseWithLandlock } from './landlock.js';
export type { Program } from './row.js';

export const programs: readonly Program[] = [...languages, ...tools, ...system];
