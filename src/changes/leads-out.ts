/**
 * Stage: changes. Whether a symbolic link leads out of the tree: it is followed to its end, name by
 * name, in the tree as it will be. Where layer and host differ, either way counts.
 */

import { type MergedTree, mayBeAt, type Names } from './merged-tree.js';
import type { FileState } from './model.js';

/** As many as the kernel follows in one path. */
const maxLinks = 40;
const maxLookups = 400;

/** A path that is half looked up: the directory that was reached, and what is still to come. */
interface Step {
  readonly at: Names;
  readonly rest: Names;
  readonly links: number;
}

const namesIn = (path: string): string[] => path.split('/').filter((name) => name !== '');

/** Where a link in a directory leads next; undefined where it leaves the tree. */
function follow({ workdir }: MergedTree, step: Step, link: Buffer): Step | undefined {
  const text = link.toString('latin1');
  const links = step.links + 1;
  if (!text.startsWith('/')) return { at: step.at, rest: [...namesIn(text), ...step.rest], links };
  const root = workdir.toString('latin1');
  if (!`${text}/`.startsWith(`${root}/`)) return undefined;
  return { at: [], rest: [...namesIn(text.slice(root.length)), ...step.rest], links };
}

/** Whether a path outside, with what follows of it, is no place of the system. */
function leavesTree({ system }: MergedTree, link: Buffer, rest: Names): boolean {
  if (link[0] !== 0x2f) return true;
  return !system.has(Buffer.concat([link, Buffer.from(['', ...rest].join('/'), 'latin1')]));
}

/** Whether the link at `path` may lead out of the working directory. When in doubt, it does. */
export function leadsOut(tree: MergedTree, path: Buffer, target: Buffer): boolean {
  const directory = namesIn(path.toString('latin1')).slice(0, -1);
  const start: Step = { at: directory, rest: [], links: 0 };
  const pending: Step[] = [];
  /** Met once more, a step leads in a circle, or where it was already. */
  const met = new Set<string>();
  let lookups = 0;

  /** Goes on with a link's target; false where that leaves the tree. */
  const goOn = (step: Step, link: Buffer): boolean => {
    const next = follow(tree, step, link);
    if (next === undefined) return !leavesTree(tree, link, step.rest);
    pending.push(next);
    return next.links <= maxLinks;
  };

  if (!goOn(start, target)) return true;
  for (let step = pending.pop(); step !== undefined; step = pending.pop()) {
    const [name, ...rest] = step.rest;
    if (name === undefined) continue;
    if (name === '.' || name === '..') {
      if (name === '..' && step.at.length === 0) return true;
      const at = name === '.' ? step.at : step.at.slice(0, -1);
      pending.push({ at, rest, links: step.links });
      continue;
    }
    const key = [...step.at, '', ...step.rest].join('/');
    if (met.has(key)) continue;
    met.add(key);
    const at = [...step.at, name];
    if (++lookups > maxLookups || tree.lookupsLeft < 0) return true;
    const states = mayBeAt(tree, at);
    if (states.includes('unknown')) return true;
    const found = states.filter((state): state is FileState => state !== 'unknown');
    for (const { link } of found) {
      if (link !== undefined && !goOn({ ...step, rest }, link)) return true;
    }
    // What is not there may come to be a directory.
    if (found.length === 0 || found.some(({ type }) => type !== 'symlink')) {
      pending.push({ at, rest, links: step.links });
    }
  }
  return false;
}
