/** The table of programs that must run inside as they do outside, and the packages they need. */
import { languages } from './languages.ts';
import type { Program } from './row.ts';
import { system } from './system.ts';
import { tools } from './tools.ts';

export type { Program } from './row.ts';

export const programs: readonly Program[] = [...languages, ...tools, ...system];
