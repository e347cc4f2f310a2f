/**
 * `wasbox apply -i`: asks about each change on the terminal. Everything that comes from the run is
 * escaped. An answer is a whole line, so that keys typed ahead by accident do not answer one question
 * after another.
 */
import {
  type Change,
  changeNotes,
  diffRun,
  formatUnified,
  isWithin,
  type Run,
  type Store,
  scanRun,
} from '../changes/index.js';
import { UsageError } from '../errors/index.js';
import { displayText } from '../text/index.js';
import { readLine } from './read-line.js';
import { err, hasColor, style } from './terminal.js';

const help = `  y  apply this change              n  skip it; it stays in the run
  d  show the diff                  a  apply this and all later changes that are applied automatically
  q  quit; skip this and all later  ?  show this help
`;

const keyOf = (tree: number, path: Buffer): string => `${tree} ${path.toString('latin1')}`;

/** Every directory that contains one of the changes. */
function directoriesOf(changes: readonly Change[]): Set<string> {
  const found = new Set<string>();
  for (const { tree, path } of changes) {
    for (let end = path.lastIndexOf(0x2f); end > 0; end = path.lastIndexOf(0x2f, end - 1)) {
      found.add(keyOf(tree, path.subarray(0, end)));
    }
  }
  return found;
}

/**
 * The changes to ask about. A directory that is created or removed follows what is in it, unless it has
 * notes of its own; one that replaces a file is asked about.
 */
function asked(changes: readonly Change[]): Change[] {
  const parents = directoriesOf(changes);
  return changes.filter(
    ({ type, kind, flags, tree, path }) =>
      type !== 'directory' ||
      !(kind === 'added' || kind === 'deleted') ||
      flags.length > 0 ||
      !parents.has(keyOf(tree, path)),
  );
}

const isBelow = ({ tree, path }: Change, top: Change): boolean =>
  tree === top.tree && path.length > top.path.length && isWithin(path, top.path);

/** Whether nothing in it can be applied without it. */
const isMade = ({ after, kind }: Change): boolean =>
  after?.type === 'directory' && (kind === 'added' || kind === 'type');

/** Flags with which a change is never applied, whatever the answer. */
const never = ['special', 'unreadable', 'mount-point', 'host-changed', 'unseen'] as const;
const isAppliedAutomatically = (change: Change): boolean =>
  !change.flags.includes('held') &&
  !change.flags.includes('leads-out') &&
  change.home === undefined;

function show(store: Store, run: Run, change: Change): void {
  const color = hasColor(2);
  for (const diff of diffRun(store, run, { paths: [fullPath(change)] })) {
    // The diff also has the directories that must be created for it.
    const { change: shown } = diff;
    if (shown.path.equals(change.path) || isBelow(change, shown)) {
      err(formatUnified(diff, { color }));
    }
  }
}

export function fullPath({ root, path }: Change): Buffer {
  const top = Buffer.from(root === '/' ? '' : root);
  return path.length === 0 ? Buffer.from(root) : Buffer.concat([top, Buffer.from('/'), path]);
}

/** Adds directories that were deleted with everything in them, once all of that is chosen. */
function withDirectories(changes: readonly Change[], chosen: ReadonlySet<Change>): Change[] {
  const isDirectory = ({ type, kind }: Change): boolean =>
    type === 'directory' && kind === 'deleted';
  const holding = directoriesOf(changes);
  const open = (change: Change): boolean =>
    !chosen.has(change) && !(isDirectory(change) && holding.has(keyOf(change.tree, change.path)));
  const staying = directoriesOf(changes.filter(open));
  const gone = changes.filter(
    (change) =>
      isDirectory(change) &&
      holding.has(keyOf(change.tree, change.path)) &&
      !staying.has(keyOf(change.tree, change.path)),
  );
  return [...new Set([...chosen, ...gone])];
}

/**
 * Asks what to apply.
 *
 * @returns the changes that were chosen, each to be applied by its own name
 * @throws UsageError where there is no terminal to ask on
 */
export function chooseChanges(store: Store, run: Run): Change[] {
  const { isatty } = process.getBuiltinModule('node:tty');
  if (!isatty(0) || !isatty(2)) {
    throw new UsageError('ERR_USAGE', 'wasbox apply -i needs a terminal', {
      hint: `Name the paths instead: wasbox apply ${run.record.id} PATH…`,
    });
  }
  const changes = scanRun(store, run);
  const chosen = new Set<Change>();
  let rest = false;
  /** Directories that are not created: nothing in them is asked about. */
  const missing: Change[] = [];
  const leave = (change: Change): void => {
    if (isMade(change)) missing.push(change);
  };
  for (const change of asked(changes)) {
    if (missing.some((top) => isBelow(change, top))) continue;
    const { kind, display } = change;
    const notes = changeNotes(change).map(displayText).join('; ');
    const line = `${kind.padEnd(8)} ${display}${notes === '' ? '' : `  # ${notes}`}`;
    if (kind === 'xattr' || never.some((flag) => change.flags.includes(flag))) {
      err(`${style(2, 'yellow', line)}\n`);
      leave(change);
      continue;
    }
    if (rest) {
      if (isAppliedAutomatically(change)) chosen.add(change);
      else leave(change);
      continue;
    }
    err(`${style(2, 'bold', line)}\n`);
    const answer = ask(() => show(store, run, change));
    if (answer === 'q') break;
    if (answer === 'y' || answer === 'a') chosen.add(change);
    else leave(change);
    rest = answer === 'a';
  }
  return withDirectories(changes, chosen);
}

function ask(showIt: () => void): 'y' | 'n' | 'a' | 'q' {
  for (;;) {
    err('apply this change [y,n,d,a,q,?]? ');
    const answer = readLine()?.trim().toLowerCase();
    if (answer === undefined) return 'q';
    if (answer === 'y' || answer === 'n' || answer === 'a' || answer === 'q') return answer;
    if (answer === 'd') showIt();
    else err(help);
  }
}
