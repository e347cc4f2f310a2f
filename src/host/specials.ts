import type { FileKind, SpecialFile, SpecialKind } from './interface.js';

interface Entry {
  readonly name: string;
  readonly kind: SpecialKind | FileKind;
}

/** @param list what is in a directory; nothing where it cannot be read: the payload cannot either */
export function findSpecials(
  list: (directory: string) => Iterable<Entry>,
  directory: string,
  limit: number,
): SpecialFile[] {
  const found: SpecialFile[] = [];
  const pending = [directory];
  let seen = 0;
  for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
    for (const { name, kind } of list(next)) {
      if (++seen > limit) return found;
      const path = `${next}/${name}`;
      if (kind === 'socket' || kind === 'pipe') found.push({ path, kind });
      else if (kind === 'directory') pending.push(path);
    }
  }
  return found;
}
