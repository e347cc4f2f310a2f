/** Summarises thousands of paths as a few directories. */

/** A file, or a directory that represents all files below it. */
export interface Folded {
  readonly path: string;
  /** Files that it represents; 1 for a file itself. */
  readonly files: number;
  readonly directory: boolean;
}

class Node {
  readonly children = new Map<string, Node>();
  files = 0;
  own = false;
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  child(name: string): Node {
    const known = this.children.get(name);
    if (known !== undefined) return known;
    const made = new Node(this.path === '/' ? `/${name}` : `${this.path}/${name}`);
    this.children.set(name, made);
    return made;
  }

  /** Returns what replaces it when it is expanded. */
  parts(): Node[] {
    const own = new Node(this.path);
    own.own = true;
    own.files = 1;
    return [...(this.own && this.children.size > 0 ? [own] : []), ...this.children.values()];
  }
}

function treeOf(paths: Iterable<string>): Node {
  const root = new Node('/');
  for (const path of new Set(paths)) {
    let at = root;
    at.files += 1;
    for (const name of path.split('/').filter(Boolean)) {
      at = at.child(name);
      at.files += 1;
    }
    at.own = true;
  }
  return root;
}

/**
 * Returns at most `limit` entries that represent all absolute `paths`: the directory with the most files is expanded
 * while its entries fit.
 */
export function foldPaths(paths: Iterable<string>, limit: number): Folded[] {
  const root = treeOf(paths);
  if (root.files === 0) return [];
  let entries = [root];
  for (;;) {
    const inner = entries
      .filter((node) => node.children.size > 0)
      .sort((a, b) => b.files - a.files)
      .find((node) => entries.length - 1 + node.parts().length <= Math.max(limit, 1));
    if (inner === undefined) break;
    entries = entries.flatMap((node) => (node === inner ? inner.parts() : [node]));
  }
  return entries
    .map(({ path, files, children }) => ({ path, files, directory: children.size > 0 }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}
