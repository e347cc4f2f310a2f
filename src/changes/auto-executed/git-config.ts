/** Paths and commands that a configuration of git names; see git-config(1). */

/** Configuration files that are read for one tree. */
export const maxConfigs = 500;

/** Keys whose whole value is a path, even if it does not look like one. */
const pathKeys: ReadonlySet<string> = new Set([
  ...['hookspath', 'path', 'fsmonitor', 'attributesfile', 'excludesfile', 'templatedir'],
]);

/** Keys that run nothing: the worktree's path, and branch names, which look like paths. */
const otherKeys: ReadonlySet<string> = new Set([
  ...['core.worktree', 'branch.merge', 'branch.remote', 'remote.fetch', 'remote.push'],
]);

/** What a value names: a path, or a command with paths in it. */
export interface ConfiguredValue {
  readonly text: string;
  /** Whether it includes another configuration file. */
  readonly include: boolean;
  /** Whether it is a path as a whole. */
  readonly isPath: boolean;
}

interface Entry {
  readonly section: string;
  readonly subsection: string | undefined;
  readonly key: string;
  readonly value: string;
}

const escaped: Readonly<Record<string, string>> = { n: '\n', t: '\t', b: '' };

/** A value as git reads it: quotes end comments, and escapes are replaced. */
function readValue(text: string): string {
  let value = '';
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? '';
    if (character === '\\') {
      const next = text[++at] ?? '';
      value += escaped[next] ?? next;
    } else if (character === '"') quoted = !quoted;
    else if (!quoted && (character === '#' || character === ';')) break;
    else value += character;
  }
  return value.trim();
}

/** The entries of a configuration. It is as lenient as possible: what git refuses may count, too. */
function* entriesIn(text: string): Generator<Entry> {
  let section = '';
  let subsection: string | undefined;
  for (const line of text.replace(/\\\r?\n/g, '').split('\n')) {
    const header = /^\s*(?:\xef\xbb\xbf)?\[\s*([\w.-]*)(?:\s+"((?:[^"\\]|\\.)*)")?[^\]]*\]/.exec(
      line,
    );
    if (header !== null) {
      section = (header[1] ?? '').toLowerCase();
      subsection = header[2]?.replace(/\\(.)/g, '$1');
    }
    const rest = line.slice(header?.[0].length ?? 0);
    const [, key, value = ''] = /^\s*([\w-]+)\s*(?:=(.*))?$/s.exec(rest) ?? [];
    if (key !== undefined) yield { section, subsection, key: key.toLowerCase(), value };
    else if (header !== null) yield { section, subsection, key: '', value: '' };
  }
}

/** All that the values of a configuration name. */
export function* valuesIn(text: string): Generator<ConfiguredValue> {
  for (const { section, subsection, key, value } of entriesIn(text)) {
    // url.<address>.insteadOf: the address may be a command (ext::) or a repository here.
    if (section === 'url' && key !== '' && subsection !== undefined) {
      yield { text: subsection, include: false, isPath: false };
    }
    if (otherKeys.has(`${section}.${key}`)) continue;
    const isPath = pathKeys.has(key);
    // A comment's sign may be part of the value if a quote is before it, and of a name if git changes.
    const texts = isPath
      ? [readValue(value), value.replace(/["\\]/g, '').trim()]
      : [readValue(value)];
    for (const one of new Set(texts)) {
      const plain = one.replace(/^:\(optional\)/, '');
      if (plain !== '') yield { text: plain, include: key === 'path', isPath };
    }
  }
}

/** The worktree that a repository's configuration sets (`core.worktree`). */
export function worktreeIn(text: string): string | undefined {
  for (const { key, value } of entriesIn(text)) {
    if (key === 'worktree') return readValue(value);
  }
  return undefined;
}
