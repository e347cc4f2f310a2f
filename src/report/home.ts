/**
 * What the program wrote to its private home, which is discarded with the run. Without this line, an
 * installer would seem to have done nothing.
 */
import type { NativeOutcome } from '../native/index.js';
import { displayPath } from '../text/index.js';

export interface ReportHome {
  /** Files and links in the home at the end; at most 10,000 are counted. */
  readonly files: number;
  /** Their paths, `~/…`, sorted, escaped where they are not plain text; as many as were recorded. */
  readonly paths: readonly string[];
}

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

/** Single files, or the directory of home that many files are in; caches last. */
function names(paths: readonly string[]): string[] {
  const byTop = new Map<string, string[]>();
  for (const path of paths) {
    const slash = path.indexOf('/', 2);
    const top = slash < 0 ? path : path.slice(0, slash + 1);
    byTop.set(top, [...(byTop.get(top) ?? []), path]);
  }
  const isCache = (path: string): boolean => /^~\/\.(?:cache|npm|config)\b/.test(path);
  return [...byTop]
    .flatMap(([top, files]) => (files.length > filesInDirectory ? [top] : files))
    .sort((a, b) => Number(isCache(a)) - Number(isCache(b)));
}

/** One line: what was written, and that it was discarded. */
export function homeLine({ files, paths }: ReportHome): string {
  const all = names(paths);
  const shown = all.slice(0, shownNames);
  const more = all.length > shown.length || files > paths.length ? ' …' : '';
  const count = `${files} file${files === 1 ? '' : 's'}`;
  const verb = files === 1 ? 'was' : 'were';
  return `${count} written to the private home ${verb} discarded: ${shown.join(', ')}${more}`;
}
