/**
 * Writes what a run changed and what became of it: what was counted, what needs a look, and one line with what to type
 * next.
 */
import { alternatives } from '../options/index.js';
import { type HomeLines, homeLines } from './home.js';
import { pathOperands } from './operands.js';
import type { ReportChanges, ReportCounts, ReportDropped, ReportRefused } from './types.js';

const kinds = ['added', 'modified', 'deleted'] as const;
const none: ReportCounts = { added: 0, modified: 0, deleted: 0 };
const plural = (count: number, noun: string, many = `${noun}s`): string =>
  `${count} ${count === 1 ? noun : many}`;

/** `2 files added, 1 modified`; empty where there are none. */
function countsLine(counts: ReportCounts, noun: string, many: string): string {
  return kinds
    .filter((kind) => counts[kind] > 0)
    .map((kind, at) => `${at === 0 ? plural(counts[kind], noun, many) : counts[kind]} ${kind}`)
    .join(', ');
}

/** The changes outside the home; empty where there are none. Directories count only where there is nothing else. */
function countsText({ counts, directories = none, home }: ReportChanges): string {
  const inHome = home ?? none;
  const own = (kind: (typeof kinds)[number]): number =>
    directories[kind] - (home?.directories ?? none)[kind];
  const folders = { added: own('added'), modified: own('modified'), deleted: own('deleted') };
  const files = { ...none };
  for (const kind of kinds) files[kind] = counts[kind] - inHome[kind] - folders[kind];
  return countsLine(files, 'file', 'files') || countsLine(folders, 'directory', 'directories');
}

/** Returns what was left out, by what it is. */
export function droppedLine(dropped: readonly ReportDropped[]): string {
  const places = new Map<string, string[]>();
  for (const { what, place } of dropped) places.set(what, [...(places.get(what) ?? []), place]);
  const shown = [...places].map(([what, [first = '', ...more]]) =>
    more.length === 0 ? `${what} (${first})` : `${what} (${first} …)`,
  );
  const files = dropped.reduce((sum, one) => sum + one.files, 0);
  return `${plural(files, 'file')} not kept: ${shown.join(', ')}`;
}

/** Reasons that are listed, and paths with one reason that are. */
const maxReasons = 12;
const namesOfReason = 3;

const reasonOf = ({ message }: ReportRefused): string =>
  message.replace(/^Not applied(?: automatically)?: /, '').replace(/\.$/, '');

/** The first of them, and how many more there are. */
function listed(paths: readonly string[]): string {
  const more = paths.length - namesOfReason;
  return `${paths.slice(0, namesOfReason).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** Names what `apply` leaves out unless it is named, however much else changed. */
function heldLines({ paths }: ReportChanges): string[] {
  const held = paths.filter(
    ({ home, flags }) => home !== true && (flags.includes('held') || flags.includes('leads-out')),
  );
  return held.length === 0
    ? []
    : [`  applied only if you name it: ${listed(held.map(({ path }) => path))}`];
}

/** A line for each reason, with the paths that have it. */
function refusedLines(refused: readonly ReportRefused[]): string[] {
  const reasons = new Map<string, string[]>();
  for (const one of refused) {
    reasons.set(reasonOf(one), [...(reasons.get(reasonOf(one)) ?? []), one.path]);
  }
  const lines = [...reasons].map(([reason, paths]) => `  ${listed(paths)}: ${reason}`);
  const left = lines.length - maxReasons;
  return left > 0
    ? [...lines.slice(0, maxReasons), `  … and ${plural(left, 'other reason')}`]
    : lines;
}

/** The operands that bring everything that was refused by its name. */
function operandsOf(refused: readonly ReportRefused[]): string {
  const names = refused.flatMap(({ name }) => name ?? []);
  return (names.length === refused.length ? pathOperands(names) : undefined) ?? 'PATH';
}

/** The one line that says what to type. Without an ID, commands mean the latest run here, which this one is. */
const nextLine = (id: string, ways: readonly string[]): string =>
  `to go on: wasbox diff ${id}, then ${alternatives([...ways, 'wasbox discard'])}`;

const homeWays = (home: HomeLines | undefined): string[] =>
  home?.operands === undefined ? [] : [`wasbox apply ${home.operands}`];

function keptLines(changes: ReportChanges, id: string, paths: readonly string[]): string[] {
  const what = countsText(changes);
  const home = homeLines(changes, id);
  const deep = changes.paths.filter(({ flags }) => flags.includes('too-deep')).length;
  const unread =
    deep === 0 ? '' : `, and ${plural(deep, 'directory', 'directories')} too deep to read`;
  const onlyHome = what === '' && home !== undefined;
  return [
    ...(onlyHome ? [] : [`${what}${unread} (not applied; your files are untouched)`]),
    ...heldLines(changes),
    ...(home === undefined ? [] : [home.what, ...home.seen]),
    ...paths,
    nextLine(id, [...(onlyHome ? [] : ['wasbox apply']), ...homeWays(home)]),
  ];
}

function partLines(changes: ReportChanges, id: string, paths: readonly string[]): string[] {
  const home = homeLines(changes, id);
  const deletions = changes.refused.filter(({ reason }) => reason === 'many-deletions').length;
  const others = changes.refused.filter(({ reason }) => reason !== 'many-deletions');
  return [
    ...(changes.refused.length === 0
      ? [`${countsText(changes)} (applied)`]
      : [
          `changes applied in part: ${plural(changes.refused.length, 'path')} not applied`,
          ...refusedLines(others),
          ...(deletions === 0 ? [] : [`  ${plural(deletions, 'deletion')} (not done unasked)`]),
        ]),
    ...(home === undefined ? [] : [home.what, ...home.seen]),
    ...paths,
    nextLine(id, [
      ...(others.length === 0 ? [] : [`wasbox apply ${operandsOf(others)}`]),
      ...(deletions === 0 ? [] : ['wasbox apply --delete']),
      ...homeWays(home),
    ]),
  ];
}

function endLines(changes: ReportChanges, id: string, verbose: boolean): string[] {
  const paths = verbose ? changes.paths.map(({ kind, path }) => `  ${kind.padEnd(8)} ${path}`) : [];
  switch (changes.disposition) {
    case 'kept':
      return keptLines(changes, id, paths);
    case 'applied':
      return [`${countsText(changes)} (applied)`, ...paths];
    case 'partly-applied':
      return partLines(changes, id, paths);
    case 'discarded': {
      const what =
        countsText(changes) || (homeLines(changes, id)?.what.replace(' (not applied)', '') ?? '');
      return verbose ? [`${what} (discarded)`, ...paths] : [];
    }
    default:
      return [];
  }
}

export function changesLines(
  changes: ReportChanges,
  runId: string | undefined,
  verbose: boolean,
): string[] {
  const dropped = changes.disposition === 'discarded' && !verbose ? [] : (changes.dropped ?? []);
  return [
    ...(dropped.length === 0 ? [] : [droppedLine(dropped)]),
    ...endLines(changes, runId ?? '', verbose),
  ];
}
