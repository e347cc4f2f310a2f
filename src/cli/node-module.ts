/**
 * Names what only Node carries out: bundles beside the command's own, which the engine of the native command cannot
 * load.
 */
import { LeaveToNode } from '../errors/index.js';

/** import() of a file beside the command's bundle (boot.cjs). The engine has none. */
declare const importModule: ((url: string) => Promise<unknown>) | undefined;

/** The feature that a user without Node reads in front of "need Node.js"; short, for it goes into a variable. */
export type NodeFeature = 'images' | 'sessions' | 'workers' | 'MCP servers';

/**
 * Called before anything is done or asked that Node would do or ask again.
 *
 * @throws LeaveToNode in the engine: the native command then executes Node, or says that this needs it
 */
export function requireNode(what: NodeFeature): void {
  if (typeof importModule === 'undefined') throw new LeaveToNode(`${what} need Node.js`);
}

/** Loads a bundle of `dist`. @throws LeaveToNode in the engine */
export async function nodeModule<T>(what: NodeFeature, name: string): Promise<T> {
  requireNode(what);
  return (await importModule?.(new URL(`./${name}`, import.meta.url).href)) as T;
}
