/** The part of node:url that the command line uses. */
import { LeaveToNode } from '../../errors/index.js';

/** The tables for international names are Node's. */
export function domainToASCII(name: string): string {
  if (/^[\x21-\x7e]*$/.test(name)) return name.toLowerCase();
  throw new LeaveToNode('international domain names need Node.js');
}

/** Returns the path of a URL as src/engine/polyfills.ts makes them. */
export const fileURLToPath = (url: unknown): string => String(url);
