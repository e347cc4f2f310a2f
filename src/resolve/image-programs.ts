/** Programs of an image, as its own PATH finds them. */
import { posix } from 'node:path';
import type { Draft } from './draft.js';
import { pathEntries } from './path-entries.js';
import type { Place } from './tree.js';

/** Returns whether what is inside at a place can be executed; root can where anybody may. */
export const isProgram = ({ host }: Draft, { kind, hostPath }: Place): boolean =>
  kind === 'file' && hostPath !== undefined && host.files.access(hostPath, 'execute');

/** The program that the image's PATH finds. */
export function findInImage(draft: Draft, program: string): string | undefined {
  return pathEntries(draft)
    .map((directory) => posix.join(directory, program))
    .find((path) => isProgram(draft, draft.tree.locate(path)));
}
