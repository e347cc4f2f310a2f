/**
 * Objects of git are named by the hash of their content, and git believes the name: it compares none when it checks a
 * commit out. A file with another content is then in every commit that has the name, and no hash changes.
 */
import { canonicalName } from '../files/canonical-name.js';
import { readUpTo } from '../files/content.js';
import { errnoOf, withFd } from '../files/fdtree.js';
import { readText } from '../files/host-text.js';
import type { Names } from '../files/path.js';
import { type MergedTree, onHost } from '../merged-tree/tree.js';
import type { FileState } from '../model/index.js';
import type { AutoExecuted } from './match.js';

/** Larger ones are not compared, and so held: the payload decides how large they are. */
const maxBytes = 64 * 1024 * 1024;
/** Deflate makes no byte of more than these. */
const mostInflated = 1032;

/** The name that a path gives an object, and what the name is a hash of. */
interface Named {
  readonly hash: string;
  readonly deflated: boolean;
  /** The directory of all objects. */
  readonly store: Names;
}

/** Recognises a loose object (gitrepository-layout(5)), and a file that Git LFS keeps. */
function namedObject(path: Names): Named | undefined {
  const [first = '', second = '', last = ''] = path.slice(-3).map(canonicalName);
  if (
    first === 'objects' &&
    /^[0-9a-f]{2} (?:[0-9a-f]{38}|[0-9a-f]{62})$/.test(`${second} ${last}`)
  )
    return { hash: second + last, deflated: true, store: path.slice(0, -2) };
  const [own = '', above = ''] = path.slice(-5, -3).map(canonicalName);
  const isOfLfs = own === 'lfs' && above === 'objects' && /^[0-9a-f]{64}$/.test(last);
  return isOfLfs && last.startsWith(first + second)
    ? { hash: last, deflated: false, store: path.slice(0, -3) }
    : undefined;
}

/** Returns whether the content is what the name says. */
function fits(bytes: Buffer, { hash, deflated }: Named): boolean {
  let content = bytes;
  if (deflated) {
    const maxOutputLength = Math.min(maxBytes, bytes.length * mostInflated);
    try {
      // Git's stream has a header of two bytes (RFC 1950).
      content = process
        .getBuiltinModule('node:zlib')
        .inflateRawSync(bytes.subarray(2), { maxOutputLength });
    } catch {
      return false; // not deflated, or too large
    }
  }
  const algorithm = hash.length === 40 ? 'sha1' : 'sha256';
  const { createHash } = process.getBuiltinModule('node:crypto');
  return createHash(algorithm).update(content).digest('hex') === hash;
}

function isWhole(tree: MergedTree, path: Names, named: Named): boolean {
  const directory = Buffer.from(path.slice(0, -1).join('/'), 'latin1');
  const name = Buffer.from(path.at(-1) ?? '', 'latin1');
  try {
    return withFd(tree.layer.openPath(directory), (parent) =>
      withFd(tree.layer.openFile(parent, name), (fd) => {
        const bytes = readUpTo(fd, maxBytes);
        return bytes !== undefined && fits(bytes, named);
      }),
    );
  } catch (error) {
    errnoOf(error); // it cannot be read
    return false;
  }
}

/** Returns why a change puts other objects in the place of a repository's own; undefined if it does not. */
export function replacesObjects(
  tree: MergedTree,
  path: Names,
  { type }: FileState,
): AutoExecuted | undefined {
  const held = (why: string): AutoExecuted => ({ level: 'held', why });
  if (canonicalName(path.at(-1) ?? '') === 'packed-refs') {
    const text = readText(tree.native, tree.layer.root, path);
    if (text === undefined || (!text.cut && !text.text.includes('refs/replace/'))) return undefined;
    return held('it replaces objects of git by others (refs/replace)');
  }
  const named = namedObject(path);
  // In a repository that is all the run's, each object is its own.
  if (named === undefined || onHost(tree, named.store) === undefined) return undefined;
  if (type === 'file' && isWhole(tree, path, named)) return undefined;
  return held('git takes it for an object whose content is another');
}
