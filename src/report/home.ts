/**
 * Writes the lines about what the program wrote to its home: saved and applied by name, or discarded where
 * the user has no home for it. Without these lines, an installer would seem to have done nothing.
 */
import type { NativeOutcome } from '../native/index.js';
import { displayPath } from '../text/index.js';
import { homeOperand, pathOperands } from './operands.js';
import type { ReportChange, ReportChanges, ReportCounts, ReportHome } from './types.js';

export function reportHome({ homeFiles, home }: NativeOutcome): ReportHome | undefined {
  if (homeFiles === 0) return undefined;
  const paths: string[] = [];
  for (let at = 0; at < home.length; ) {
    const end = home.indexOf(0, at);
    paths.push(`~/${displayPath(home.subarray(at, end))}`);
    at = end + 1;
  }
  return { files: homeFiles, paths: paths.sort() };
}

/** Names in the line. */
const shownNames = 4;
/** A directory of home with more files than this is named instead of its files. */
const filesInDirectory = 2;

/** Returns whether a path is one that a tool writes for itself, and no user wants to bring home. */
const isCache = (path: string): boolean => /^~\/\.(?:cache|npm)\b/.test(path);

const isLate = (path: string): boolean => isCache(path) || /^~\/\.config\b/.test(path);
const lateLast = (a: string, b: string): number => Number(isLate(a)) - Number(isLate(b));

/** Single files, or the directory of home that many files are in; caches last. */
function names(paths: readonly string[]): string[] {
  const byTop = new Map<string, string[]>();
  for (const path of paths) {
    const slash = path.indexOf('/', 2);
    const top = slash < 0 ? path : path.slice(0, slash + 1);
    byTop.set(top, [...(byTop.get(top) ?? []), path]);
  }
  return [...byTop]
    .flatMap(([top, files]) => (files.length > filesInDirectory ? [top] : files))
    .sort(lateLast);
}

function listed(paths: readonly string[], isWhole: boolean): string {
  const all = names(paths);
  const shown = all.slice(0, shownNames);
  return `${shown.join(', ')}${all.length > shown.length || !isWhole ? ' …' : ''}`;
}

const filesText = (count: number): string => `${count} file${count === 1 ? '' : 's'}`;
const directoriesText = (count: number): string => `${count} director${count === 1 ? 'y' : 'ies'}`;

/** One line: what was written, and that it was discarded. */
export function homeLine({ files, paths }: ReportHome): string {
  const verb = files === 1 ? 'was' : 'were';
  const what = listed(paths, files <= paths.length);
  return `${filesText(files)} written to the private home ${verb} discarded: ${what}`;
}

/** Describes what a run wrote to the home and nothing was done with. */
export interface HomeLines {
  /** Says what was written, with what is dangerous first. */
  readonly what: string;
  /** How to apply what exists already. */
  readonly seen: readonly string[];
  /** The paths to name to apply it; undefined where nothing but caches was written, or what exists already. */
  readonly operands?: string | undefined;
}

/** Returns whether it runs by itself, leads elsewhere, or meets what is there already. */
const isDangerous = ({ flags }: ReportChange): boolean =>
  ['held', 'leads-out', 'unseen', 'runs-later', 'executable'].some((flag) => flags.includes(flag));

/** Returns lines about the home; undefined where nothing of the changes is in it. */
export function homeLines({ home, paths }: ReportChanges, id: string): HomeLines | undefined {
  if (home === undefined) return undefined;
  const own = paths.filter((one) => one.home === true);
  const files = own.filter(({ type }) => type !== 'directory');
  const countOf = ({ added, modified, deleted }: ReportCounts): number =>
    added + modified + deleted;
  const all = countOf(home);
  const count = all - (home.directories === undefined ? 0 : countOf(home.directories));
  const shown = files.length > 0 ? files : own;
  const dangerous = shown.filter(isDangerous).sort((a, b) => lateLast(a.path, b.path));
  const plain = shown.filter((one) => !isDangerous(one)).map(({ path }) => path);
  const named = [...dangerous.map(({ path }) => path), ...names(plain)];
  const seen = own.find(({ flags }) => flags.includes('unseen'));
  // A file that exists already is refused without a choice: not a path to copy.
  const toApply = [
    ...dangerous.filter(({ flags }) => !flags.includes('unseen')).map(({ path }) => path),
    ...names(plain),
  ].filter((path) => !isCache(path));
  const together = withLines(own, toApply);
  const said = named.slice(0, shownNames).join(', ');
  const isWhole = named.length <= shownNames && shown.length >= (files.length > 0 ? count : all);
  return {
    what: `${count > 0 ? filesText(count) : directoriesText(all)} written to your home: ${said}${isWhole ? '' : ' …'} (not applied)`,
    seen:
      seen === undefined
        ? []
        : [
            `  ${seen.path} exists; the run did not see it: wasbox apply ${id}${seen.appends === true ? ' --append' : ''} ${homeOperand(seen.path)}`,
          ],
    operands: together ?? pathOperands(toApply) ?? (toApply[0] && homeOperand(toApply[0])),
  };
}

/** Returns the operands that bring lines for files that exist and all others at once; undefined where that needs a choice. */
function withLines(own: readonly ReportChange[], others: readonly string[]): string | undefined {
  const unseen = own.filter(({ flags }) => flags.includes('unseen'));
  if (unseen.length === 0 || others.length === 0) return undefined;
  if (unseen.some(({ appends }) => appends !== true)) return undefined;
  const paths = pathOperands([...unseen.map(({ path }) => path), ...others]);
  return paths === undefined ? undefined : `--append ${paths}`;
}
