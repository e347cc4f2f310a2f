/**
 * What the program wrote to its home: saved and applied by name, or discarded where the user has no home for
 * it. Without these lines, an installer would seem to have done nothing.
 */
import type { NativeOutcome } from '../native/index.js';
import { shellQuote } from '../options/index.js';
import { displayPath } from '../text/index.js';
import type { ReportChange, ReportChanges, ReportHome } from './types.js';

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

/** What a tool writes for itself, and no user wants to bring home. */
const isCache = (path: string): boolean => /^~\/\.(?:cache|npm)\b/.test(path);

/** Single files, or the directory of home that many files are in; caches last. */
function names(paths: readonly string[]): string[] {
  const byTop = new Map<string, string[]>();
  for (const path of paths) {
    const slash = path.indexOf('/', 2);
    const top = slash < 0 ? path : path.slice(0, slash + 1);
    byTop.set(top, [...(byTop.get(top) ?? []), path]);
  }
  const isLate = (path: string): boolean => isCache(path) || /^~\/\.config\b/.test(path);
  return [...byTop]
    .flatMap(([top, files]) => (files.length > filesInDirectory ? [top] : files))
    .sort((a, b) => Number(isLate(a)) - Number(isLate(b)));
}

function listed(paths: readonly string[], isWhole: boolean): string {
  const all = names(paths);
  const shown = all.slice(0, shownNames);
  return `${shown.join(', ')}${all.length > shown.length || !isWhole ? ' …' : ''}`;
}

const filesText = (count: number): string => `${count} file${count === 1 ? '' : 's'}`;

/** One line: what was written, and that it was discarded. */
export function homeLine({ files, paths }: ReportHome): string {
  const verb = files === 1 ? 'was' : 'were';
  const what = listed(paths, files <= paths.length);
  return `${filesText(files)} written to the private home ${verb} discarded: ${what}`;
}

/** A path of home to be typed: a shell expands a ~ only without quotes, and `apply` understands both. */
export const homeOperand = (path: string): string =>
  /^~\/[\w./+@%:-]+$/.test(path) ? path : shellQuote(path);

/** What a run wrote to the home and nothing was done with. */
export interface HomeLines {
  /** What was written. */
  readonly what: string;
  /** How to apply it, and how what exists already. */
  readonly how: readonly string[];
}

/** Whether it may be lines to add to a file, and is no program. */
const isLines = ({ type, flags }: ReportChange): boolean =>
  type === 'file' && !flags.includes('executable');

/** Undefined where nothing of the changes is in the home. */
export function homeLines(
  { home, paths, truncated }: ReportChanges,
  id: string,
): HomeLines | undefined {
  if (home === undefined) return undefined;
  const own = paths.filter((one) => one.home === true);
  const files = own.filter(({ type }) => type !== 'directory');
  const some = (files.length > 0 ? files : own).map(({ path }) => path);
  const all = home.added + home.modified + home.deleted;
  const count = files.length > 0 ? filesText(truncated ? all : files.length) : 'directories';
  const seen = own.find(({ flags }) => flags.includes('unseen'));
  // What exists already is refused without a choice: not the path to copy.
  const plain = files.filter(({ flags }) => !flags.includes('unseen')).map(({ path }) => path);
  const [first] = names(plain.length > 0 ? plain : seen === undefined ? some : []);
  return {
    what: `${count} written to your home: ${listed(some, !truncated)} (not applied)`,
    how: [
      ...(first === undefined || isCache(first)
        ? []
        : [`  from ~:  wasbox apply ${id} ${homeOperand(first)}`]),
      ...(seen === undefined
        ? []
        : [
            `  ${seen.path} exists; the run did not see it: wasbox apply ${id}${isLines(seen) ? ' --append' : ''} ${homeOperand(seen.path)}`,
          ]),
    ],
  };
}
