/**
 * The words of `--with`: names of packages with versions, and nothing else. What the installer would take for an option,
 * a file, an address or a command never reaches it.
 */

import { UsageError } from '../errors/index.js';
import { spoken, spokenOption } from '../options/index.js';

/** The language whose packages they are: Python, or that of Node. */
export type PackageKind = 'python' | 'npm';

/** PEP 508 without addresses and markers: `rich[jupyter]>=13,<15`. */
const pythonWord =
  /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?:\[[A-Za-z0-9][A-Za-z0-9._,-]*\])?(?:(?:==|!=|<=|>=|~=|<|>)[A-Za-z0-9][A-Za-z0-9.*+!]*(?:,(?:==|!=|<=|>=|~=|<|>)[A-Za-z0-9][A-Za-z0-9.*+!]*)*)?$/;

/** A name and a version, a range or a tag: `@scope/name@^1.2.3`. */
const npmWord =
  /^(?:@[a-z0-9~][\w.~-]*\/)?[a-z0-9~][\w.~-]*(?:@[\^~<>=]{0,2}[A-Za-z0-9][\w.+-]*)?$/;

const longest = 200;
/** Packages of one script. */
export const mostPackages = 100;

export const isPackageWord = (kind: PackageKind, word: string): boolean =>
  word.length <= longest && (kind === 'python' ? pythonWord : npmWord).test(word);

/** Commas stand between packages, and within the versions of one: `rich>=13,<15,requests`. */
const split = (text: string): string[] => {
  const words: string[] = [];
  let open = false; // within brackets
  for (const part of text.split(',').map((one) => one.trim())) {
    if (words.length > 0 && (open || /^[<>=!~]/.test(part))) words.push(`${words.pop()},${part}`);
    else words.push(part);
    const last = words.at(-1) ?? '';
    open = last.lastIndexOf('[') > last.lastIndexOf(']');
  }
  return words;
};

/** A word's package, as its index compares names (PEP 503), and the one version that it takes. */
function wanted(kind: PackageKind, word: string): { name: string; version: string | undefined } {
  if (kind === 'npm') {
    const at = word.lastIndexOf('@');
    return at > 0
      ? { name: word.slice(0, at), version: word.slice(at) }
      : { name: word, version: undefined };
  }
  const [, name = word, version] = /^([\w.-]+?)(?:\[[^\]]*\])?(?:==([^,*]+))?$/.exec(word) ?? [];
  return { name: name.toLowerCase().replace(/[-_.]+/g, '-'), version };
}

/** Two words that cannot both be kept. */
function contradiction(
  kind: PackageKind,
  words: readonly string[],
): readonly [string, string] | undefined {
  const first = new Map<string, { word: string; version: string }>();
  for (const word of words) {
    const { name, version } = wanted(kind, word);
    const before = first.get(name);
    if (version === undefined) continue;
    if (before !== undefined && before.version !== version) return [before.word, word];
    first.set(name, { word, version });
  }
  return undefined;
}

/**
 * Sorted, each once.
 * @param by the file that asks for them; undefined for the option
 * @throws UsageError for a word that is no name of a package, and for two versions of one package
 */
export function packageWords(kind: PackageKind, value: string, by?: string): string[] {
  const words = split(value);
  const wrong = words.find((word) => !isPackageWord(kind, word));
  if (wrong !== undefined) {
    const example = kind === 'python' ? "requests,'rich>=13'" : 'chalk,lodash@4';
    throw new UsageError('ERR_OPTION_VALUE', spoken`--with: invalid package "${wrong}"`, {
      hint: spoken`Names with versions, and commas between them: --with ${example}`,
    });
  }
  if (words.length > mostPackages) {
    throw new UsageError('ERR_OPTION_VALUE', spoken`--with: more than ${mostPackages} packages`, {
      hint: spoken`Build an image with them, and use --image.`,
    });
  }
  const two = contradiction(kind, words);
  if (two !== undefined) {
    const asks = by === undefined ? spokenOption('--with') : `${by}`;
    throw new UsageError(
      'ERR_OPTION_VALUE',
      `${asks}: ${two[0]} and ${two[1]} cannot be in one run`,
      {
        hint: 'A run has one version of each package. Start each script that needs another version as a run of its own.',
      },
    );
  }
  return [...new Set(words)].sort();
}
