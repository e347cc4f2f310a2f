/** Writes what a run did in lines. formatSummary escapes them. */
import { changingActions } from '../../native/index.js';
import { foldPaths } from './fold.js';
import type { AuditFile, AuditProcess, ReportAudit } from './types.js';

/** Lines of each part; the JSON report has all. */
const shownProcesses = 30;
const shownPlaces = 12;
const shownChanges = 30;
const shownCalls = 16;
const commandWidth = 80;

const plural = (count: number, noun: string, many = `${noun}s`): string =>
  `${count} ${count === 1 ? noun : many}`;

export function roughSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

export function commandText({ executed }: AuditProcess): string {
  const last = executed.at(-1);
  if (last === undefined) return '(fork)';
  const [, ...args] = last.argv;
  return [last.path, ...args].join(' ');
}

export function endText({ exitCode, endedMs }: AuditProcess): string {
  return endedMs === undefined ? 'killed, or still running at the end' : `exited ${exitCode}`;
}

function cut(text: string): string {
  return text.length > commandWidth ? `${text.slice(0, commandWidth - 1)}…` : text;
}

/** Each process below its parent. */
export function processTree(
  processes: readonly AuditProcess[],
): { readonly process: AuditProcess; readonly index: number; readonly depth: number }[] {
  const children = new Map<number | undefined, number[]>();
  for (const [index, { parent }] of processes.entries()) {
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [index]);
    else siblings.push(index);
  }
  const found: { process: AuditProcess; index: number; depth: number }[] = [];
  // The walk is not recursive: a chain of forks may be as long as the table.
  const open = (children.get(undefined) ?? []).map((index) => ({ index, depth: 0 })).reverse();
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const { index, depth } = at;
    const process = processes[index];
    if (process !== undefined) found.push({ process, index, depth });
    const below = children.get(index) ?? [];
    for (const child of [...below].reverse()) open.push({ index: child, depth: depth + 1 });
  }
  return found;
}

function processLines(processes: readonly AuditProcess[]): string[] {
  const tree = processTree(processes);
  const lines = tree.slice(0, shownProcesses).map(({ process, depth }) => {
    const indent = '  '.repeat(Math.min(depth, 10) + 2);
    return `${indent}${process.pid} ${cut(commandText(process))} — ${endText(process)}, ${plural(process.calls, 'call')}`;
  });
  const more = tree.length - lines.length;
  return ['  processes', ...lines, ...(more > 0 ? [`    and ${more} more`] : [])];
}

const verbs: Readonly<Record<AuditFile['action'], string>> = {
  read: 'read',
  write: 'wrote',
  create: 'created',
  delete: 'deleted',
  rename: 'renamed',
  directory: 'created the directory',
  link: 'linked',
  symlink: 'created a link to',
  attributes: 'changed the attributes of',
  look: 'checked',
  execute: 'executed',
};

/** Returns the text for a file, for instance `renamed a to b`. */
export function fileText({ action, path, to }: AuditFile): string {
  if (to === undefined) return `${verbs[action]} ${path}`;
  return `${verbs[action]} ${path} ${action === 'symlink' ? 'at' : 'to'} ${to}`;
}

/** Uses of files that were possible just before the call. */
export const isDone = ({ error }: AuditFile): boolean => error === undefined;

export const isChange = ({ action }: AuditFile): boolean => changingActions.has(action);

function fileLines(files: readonly AuditFile[]): string[] {
  const done = files.filter(isDone);
  const read = done.filter(({ action }) => action === 'read').map(({ path }) => path);
  const places = foldPaths(read, shownPlaces).map(
    ({ path, files: count, directory }) =>
      `    ${path}${directory ? `/ (${plural(count, 'file')})` : ''}`,
  );
  const changes = [...new Set(done.filter(isChange).map(fileText))];
  const shown = changes.slice(0, shownChanges).map((text) => `    ${text}`);
  const more = changes.length - shown.length;
  return [
    ...(places.length === 0 ? [] : ['  files read', ...places]),
    ...(shown.length === 0 ? [] : ['  files changed', ...shown]),
    ...(more > 0 ? [`    and ${more} more`] : []),
  ];
}

function addressLines({ addresses }: ReportAudit): string[] {
  if (addresses.length === 0) return [];
  const lines = addresses
    .slice(0, shownChanges)
    .map(
      ({ call, address, count, error }) =>
        `    ${call} ${address}${count > 1 ? ` ×${count}` : ''}${error === undefined ? '' : ` (${error})`}`,
    );
  const more = addresses.length - lines.length;
  return ['  addresses', ...lines, ...(more > 0 ? [`    and ${more} more`] : [])];
}

function callLine({ calls }: ReportAudit): string {
  const shown = calls.slice(0, shownCalls).map(({ call, count }) => `${call} ×${count}`);
  const more = calls.length - shown.length;
  return `  calls     ${shown.join(', ')}${more > 0 ? ` and ${more} more kinds` : ''}`;
}

/** The lines of an audit. */
export function auditLines(audit: ReportAudit): string[] {
  if (audit.watched === 'none') {
    const why = audit.reason === undefined ? '' : ` (${audit.reason})`;
    return [`nothing was recorded: this kernel provides no listener${why}`];
  }
  const { processes, files, usage, dropped } = audit;
  const lost = dropped.actions + dropped.processes + dropped.values;
  return [
    `what it did: ${plural(audit.totalCalls, 'system call')} of ${plural(audit.calls.length, 'kind')}` +
      ` by ${plural(processes.length, 'process', 'processes')};` +
      ` ${roughSize(usage.readBytes)} read, ${roughSize(usage.writtenBytes)} written`,
    ...processLines(processes),
    ...fileLines(files),
    ...addressLines(audit),
    callLine(audit),
    ...(lost > 0 ? [`  and ${lost} more that were not recorded`] : []),
  ];
}
