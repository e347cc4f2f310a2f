/**
 * Patterns as the native search takes them (addon/search/tests.c): of each of their last names, what is before
 * the first special character and behind the last one. A test never leaves out what its pattern matches.
 */
import { posix } from 'node:path';

/** The last names of a pattern that begins with a doublestar. */
export interface NameTest {
  /** True if whatever passes it is matched by the pattern. */
  readonly exact: boolean;
  /** The last one first. */
  readonly parts: readonly NamePart[];
}

interface NamePart {
  readonly open: boolean;
  readonly prefix: Uint8Array;
  readonly suffix: Uint8Array;
}

export interface SearchRequest {
  /** The directory of the root below which the patterns begin: a relative path. */
  readonly context: string;
  /** State directories, which are not searched. */
  readonly states: readonly { readonly dev: bigint; readonly ino: bigint }[];
  /** Relative to the root: not searched. */
  readonly skipped: readonly string[];
  /**
   * A survey compares names as the most lenient file systems do (what that cannot tell is found), finds symbolic links
   * whatever their names, and leaves out other mounts and git's stores of objects. @default false
   */
  readonly survey?: boolean | undefined;
  readonly tests: readonly NameTest[];
}

/** Characters that a name in bytes may have otherwise count as special, too. */
const special = /[*?[\\\uFFFD\uD800-\uDFFF]/;
const none = new Uint8Array();
/** Longer names do not exist: NAME_MAX. */
const maxName = 255;
const anyName: NamePart = { open: true, prefix: none, suffix: none };

function partOf(name: string): { part: NamePart; exact: boolean } {
  const encoder = new TextEncoder();
  const first = name.search(special);
  if (first < 0) {
    const prefix = encoder.encode(name);
    if (prefix.length > maxName) return { part: anyName, exact: false };
    return { part: { open: false, prefix, suffix: none }, exact: true };
  }
  const prefix = encoder.encode(name.slice(0, first));
  const isStar = name[first] === '*' && !special.test(name.slice(first + 1));
  const suffix = isStar ? encoder.encode(name.slice(first + 1)) : none;
  if (prefix.length > maxName || suffix.length > maxName) return { part: anyName, exact: false };
  return { part: { open: true, prefix, suffix }, exact: isStar };
}

/** @param pattern as below where it begins; undefined if that is not with a doublestar */
export function nameTest(pattern: string): NameTest | undefined {
  const names = pattern.split('/').filter((name) => name !== '' && name !== '.');
  if (names[0] !== '**') return undefined;
  // A pattern that ends with a doublestar means the directory, too.
  while (names.length > 1 && names.at(-1) === '**') names.pop();
  const last = names.lastIndexOf('**');
  const parts = names.slice(last + 1).map(partOf);
  if (parts.length > maxName) return { exact: false, parts: [] };
  return {
    exact: last === 0 && parts.length > 0 && parts.every(({ exact }) => exact),
    parts: parts.map(({ part }) => part).reverse(),
  };
}

const word = (value: number): Uint8Array => new Uint8Array(new Uint32Array([value]).buffer);

function sized(bytes: Uint8Array): Uint8Array[] {
  return [word(bytes.length), bytes];
}

/** Returns a request as bytes. */
export function encodeRequest({
  context,
  states,
  skipped,
  survey,
  tests,
}: SearchRequest): Uint8Array {
  const encoder = new TextEncoder();
  const depth = context === '' ? 0 : context.split('/').length;
  const identities = new BigUint64Array(states.flatMap(({ dev, ino }) => [dev, ino]));
  const pieces = [
    word(depth),
    ...sized(encoder.encode(context)),
    word(states.length),
    new Uint8Array(identities.buffer),
    ...sized(encoder.encode(skipped.map((path) => `${path}\0`).join(''))),
    new Uint8Array([survey === true ? 1 : 0]),
    ...tests.flatMap(({ exact, parts }) => [
      new Uint8Array([exact ? 1 : 0, parts.length]),
      ...parts.flatMap(({ open, prefix, suffix }) => [
        new Uint8Array([open ? 1 : 0, prefix.length, suffix.length]),
        prefix,
        suffix,
      ]),
    ]),
  ];
  const out = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

/**
 * The entries that a search found, by directory of the host: what may be matched, and the directories on the way to it.
 */
export interface Found {
  readonly directories: ReadonlyMap<string, readonly FoundEntry[]>;
  /** Directories that could not be looked through. */
  readonly closed: ReadonlySet<string>;
}

export interface FoundEntry {
  readonly name: string;
  readonly kind: 'directory' | 'other';
}

/** @param found records of addon/search/search.h, of one or more searches of `root` */
export function readFound(root: string, found: readonly Uint8Array[]): Found {
  const byDirectory = new Map<string, Map<string, FoundEntry>>();
  const closed = new Set<string>();
  const add = (path: string, kind: FoundEntry['kind']): void => {
    const directory = posix.dirname(path);
    const name = posix.basename(path);
    const entries = byDirectory.get(directory) ?? new Map<string, FoundEntry>();
    if (entries.size === 0) {
      byDirectory.set(directory, entries);
      if (directory !== root) add(directory, 'directory');
    }
    if (!entries.has(name)) entries.set(name, { name, kind });
  };
  for (const bytes of found) {
    for (const record of new TextDecoder().decode(bytes).split('\0')) {
      if (record === '') continue;
      const below = record.slice(1);
      const path = below === '' ? root : posix.join(root, below);
      if (record[0] === 'c') closed.add(path);
      if (path !== root) add(path, record[0] === 'o' ? 'other' : 'directory');
    }
  }
  const sorted = [...byDirectory].map(([directory, entries]): [string, FoundEntry[]] => [
    directory,
    [...entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
  ]);
  return { directories: new Map(sorted), closed };
}
