/** What the shared code uses of node:url. */
import { LeaveToNode } from './leave.js';

/** The tables for international names are Node's. */
export function domainToASCII(name: string): string {
  throw new LeaveToNode(`an international name: ${name}`);
}

/** Of a path as src/engine/polyfills.ts makes them. */
export const fileURLToPath = (url: unknown): string => String(url);
