/** Prints what `wasbox apply` did, as text and as JSON. */
import {
  type ApplyReport,
  type Change,
  type Conflicts,
  changeToJson,
  namesToApply,
  type Refusal,
  type RefusalReason,
} from '../changes/index.js';
import { pathOperand, pathOperands } from '../report/index.js';
import { displayText, jsonText } from '../text/index.js';
import { mergeHint, unseenHint } from './merge-hint.js';
import { err, out } from './terminal.js';
import { tellUnmatched } from './unmatched.js';

/** Paths that are listed for one reason; the payload decides how many there are. */
const maxListed = 20;

export interface AppliedRun {
  readonly id: string;
  /** The working directory. */
  readonly directory: string;
  readonly conflicts?: Conflicts | undefined;
  /** True if the paths were only marked as applied. */
  readonly done?: boolean | undefined;
  /** True if the run is as it was before: its changes went to another directory. */
  readonly stays?: boolean | undefined;
  /** An operand that may have been meant as a run ID. */
  readonly maybeId?: string | undefined;
}

const plural = (count: number, noun: string): string =>
  `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;

/** One line a path, up to a limit, then how many more there are. */
function printList(
  paths: readonly { readonly display: string; readonly text: string }[],
  id: string,
): void {
  for (const { display, text } of paths.slice(0, maxListed)) {
    err(`wasbox: ${display}: ${displayText(text)}\n`);
  }
  const more = paths.length - maxListed;
  if (more > 0) {
    err(
      `wasbox: … and ${more.toLocaleString('en')} more; to list them: wasbox diff ${id} --stat\n`,
    );
  }
}

/** A message as a part of a line. */
const inLine = (message: string): string =>
  message.charAt(0).toLowerCase() + message.slice(1).replace(/\.$/, '');

/** Prints a refusal of the whole run on one line, however many paths it has. */
function printWhole(
  reason: 'many-deletions' | 'incomplete',
  list: readonly Refusal[],
  id: string,
): void {
  const messages = new Set(list.map(({ message }) => displayText(inLine(message))));
  for (const message of messages) err(`wasbox: ${message}\n`);
  if (reason === 'many-deletions')
    err(`wasbox: to delete them, too: wasbox apply ${id} --delete\n`);
  else if (list.some(({ change }) => change.kind !== 'deleted'))
    err(
      `wasbox: to apply what there is of it, without deletions: wasbox apply ${id} --incomplete\n`,
    );
}

function printRefused(refused: readonly Refusal[], id: string): void {
  const reasons = new Map<RefusalReason, Refusal[]>();
  for (const one of refused) {
    const list = reasons.get(one.reason);
    if (list === undefined) reasons.set(one.reason, [one]);
    else list.push(one);
  }
  for (const [reason, list] of reasons) {
    if (reason === 'many-deletions' || reason === 'incomplete') {
      printWhole(reason, list, id);
      continue;
    }
    const lines = list.map(({ change, message }) => ({
      display: change.display,
      text: inLine(message),
    }));
    printList(lines, id);
    if (reason !== 'held' && reason !== 'leads-out') continue;
    const names = [...new Set(namesToApply(list.map(({ change }) => change)).values())];
    const all = pathOperands(names);
    const what = list.length === 1 ? 'it' : all === undefined ? 'one of them' : 'them';
    err(
      `wasbox: to apply ${what} anyway: wasbox apply ${id} ${all ?? pathOperand(names[0] ?? '')}\n`,
    );
  }
}

const neverApplied = [
  ['set-id', 'set-id bits'],
  ['sticky', 'sticky bit'],
  ['xattr', 'extended attributes'],
] as const;

function printStripped(stripped: readonly Change[], id: string): void {
  for (const [flag, what] of neverApplied) {
    const paths = stripped.filter(({ flags }) => flags.includes(flag));
    printList(
      paths.map(({ display }) => ({ display, text: `applied without its ${what}` })),
      id,
    );
  }
}

const unseenOf = (refused: readonly Refusal[]): Change[] =>
  refused.filter(({ reason }) => reason === 'unseen').map(({ change }) => change);

export function printApplied(report: ApplyReport, run: AppliedRun): void {
  const { id, done = false } = run;
  if (report.applied.some(({ home }) => home === undefined)) {
    err(`wasbox: in ${displayText(run.directory)}:\n`);
  }
  const resolutions = new Map(report.settled.map((one) => [one.change, one]));
  for (const change of report.applied) {
    const word = done ? 'resolved' : (resolutions.get(change)?.how ?? change.kind);
    out(`${word.padEnd(8)} ${change.display}\n`);
  }
  const marked = report.settled.filter(({ how }) => how === 'conflict');
  printList(
    marked.map(({ change, places }) => ({
      display: change.display,
      text: `${plural(places, 'conflict')} between markers; edit the file to resolve`,
    })),
    id,
  );
  printStripped(report.stripped, id);
  printRefused(report.refused, id);
  for (const line of unseenHint(id, unseenOf(report.refused))) err(`wasbox: ${line}\n`);
  for (const line of mergeHint(id, report.refused, run.conflicts)) err(`wasbox: ${line}\n`);
  tellUnmatched(report.unmatched, id, run.maybeId);
  // The rest of that run is no consequence of a word that names nothing.
  if (report.unmatched.length > 0 && report.applied.length + report.refused.length === 0) return;
  const left = report.left.length + report.refused.length;
  if (run.stays === true) {
    if (left > 0) err(`wasbox: ${plural(left, 'change')} not applied\n`);
    err(`wasbox: the run is still saved; to discard it: wasbox discard ${id}\n`);
    return;
  }
  if (left === 0) return;
  const ofHome = report.left.filter(
    (change) => change.home !== undefined && change.type !== 'directory',
  );
  const seen = ofHome.filter(({ flags }) => !flags.includes('unseen'));
  const [first] = seen;
  if (first !== undefined) {
    const operands = pathOperands(seen.map(({ display }) => display)) ?? pathOperand(first.display);
    err(`wasbox: what is in your home is applied by name: wasbox apply ${id} ${operands}\n`);
  }
  const unseen = ofHome.filter(({ flags }) => flags.includes('unseen'));
  for (const line of unseenHint(id, unseen)) err(`wasbox: ${line}\n`);
  err(`wasbox: ${plural(left, 'change')} not applied: wasbox diff ${id}, wasbox discard ${id}\n`);
}

/** 3: something was not applied; 1: a path names no change. */
export function applyStatus({ refused, settled, unmatched }: ApplyReport): number {
  if (refused.length > 0 || settled.some(({ how }) => how === 'conflict')) return 3;
  return unmatched.length > 0 ? 1 : 0;
}

export function printAppliedJson(report: ApplyReport, id: string): void {
  const { applied, refused, left, unmatched, settled } = report;
  const json = {
    schemaVersion: 1,
    id,
    applied: applied.map(changeToJson),
    refused: refused.map(({ change, reason, message }) => ({
      ...changeToJson(change),
      reason,
      message,
    })),
    left: left.map(changeToJson),
    unmatched,
    settled: settled.map(({ change, how, places }) => ({ path: change.display, how, places })),
  };
  out(`${jsonText(json)}\n`);
}
