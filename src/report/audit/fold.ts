/** Many paths as a few directories, so that a person reads what thousands of files are. */

/** A file, or a directory that stands for all that was named below it. */
export interface Folded {
  readonly path: string;
  /** Files that it stands for; 1 where it is the file itself. */
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

  /** What it is replaced by when it is looked into. */
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
 * At most `limit` entries that stand for all of the absolute `paths`: the directory with the most
 * files is looked into as long as there is room for what is in it.
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
