/** Paths as bytes: names from the payload need not be text. */

export const emptyPath: Buffer = Buffer.alloc(0);
const SLASH = 0x2f;

/** `parent/name` as bytes; the root is empty. */
export function joinPath(parent: Buffer, name: Buffer): Buffer {
  return parent.length === 0 ? name : Buffer.concat([parent, Buffer.of(SLASH), name]);
}

/** The names of a relative path. */
export function splitPath(path: Buffer): Buffer[] {
  const names: Buffer[] = [];
  let from = 0;
  for (let at = 0; at <= path.length; at++) {
    if (at === path.length || path[at] === SLASH) {
      if (at > from) names.push(path.subarray(from, at));
      from = at + 1;
    }
  }
  return names;
}

/** A key for maps: one character a byte, so that different bytes never meet. */
export function pathKey(path: Buffer): string {
  return path.toString('latin1');
}

/** Whether `path` is `ancestor` or lies below it. */
export function isWithin(path: Buffer, ancestor: Buffer): boolean {
  if (ancestor.length === 0) return true;
  if (path.length < ancestor.length) return false;
  if (!path.subarray(0, ancestor.length).equals(ancestor)) return false;
  return path.length === ancestor.length || path[ancestor.length] === SLASH;
}
