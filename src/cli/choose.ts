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
import { displayPath, displayText } from '../text/index.js';
import { ask, directoryAnswers, fileAnswers } from './choose-question.js';
import { unseenHint } from './merge-hint.js';
import { progressLine } from './progress.js';
import { canAsk, err, hasColor, style } from './terminal.js';

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

/** Returns whether nothing in it can be applied without it. */
const isMade = ({ after, kind }: Change): boolean =>
  after?.type === 'directory' && (kind === 'added' || kind === 'type');

/** Flags with which a change is never applied, whatever the answer. */
const never = ['special', 'unreadable', 'mount-point', 'host-changed', 'unseen'] as const;
const isAppliedAutomatically = (change: Change): boolean =>
  !change.flags.includes('held') &&
  !change.flags.includes('leads-out') &&
  change.home === undefined;

/** Lines of a diff that are shown unasked. */
const shownLines = 40;
/** Changes with notes that are named before the question about their directory. */
const listedNotes = 20;

function titleOf(change: Change): string {
  const notes = changeNotes(change).map(displayText).join('; ');
  return `${change.kind.padEnd(8)} ${change.display}${notes === '' ? '' : `  # ${notes}`}`;
}

function show(store: Store, run: Run, change: Change, limit: number): void {
  const color = hasColor(2);
  for (const diff of diffRun(store, run, { paths: [fullPath(change)] })) {
    // The diff also has the directories that must be created for it.
    const { change: shown } = diff;
    if (shown.path.equals(change.path) || isBelow(change, shown)) {
      const lines = formatUnified(diff, { color }).split('\n');
      const more = lines.length - 1 - limit;
      const rest = more === 1 ? '' : 's';
      if (more <= 0) err(lines.join('\n'));
      else err(`${lines.slice(0, limit).join('\n')}\n… ${more} more line${rest}; p prints all\n`);
    }
  }
}

export function fullPath({ root, path }: Pick<Change, 'root' | 'path'>): Buffer {
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

/** A directory that is decided about as a whole, or opened. */
interface Group {
  readonly key: string;
  readonly display: string;
  /** The changes in it that are left to ask about. */
  readonly changes: readonly Change[];
}

/** Directories with fewer changes are not asked about: their files are. */
const groupSize = 2;

/**
 * The outermost directory of the first change that was not opened yet and has several changes in it.
 * @param rest what is left, in order
 */
function groupOf(rest: readonly Change[], opened: ReadonlySet<string>): Group | undefined {
  const [first] = rest;
  if (first === undefined) return undefined;
  const { tree, path, root } = first;
  for (let end = path.indexOf(0x2f); end > 0; end = path.indexOf(0x2f, end + 1)) {
    const directory = path.subarray(0, end);
    const key = keyOf(tree, directory);
    if (opened.has(key)) continue;
    const below = rest.filter((one) => one.tree === tree && isWithin(one.path, directory));
    if (below.length < groupSize) return undefined;
    const shown = tree === 0 ? directory : fullPath({ root, path: directory });
    const display = displayPath(shown);
    const isHome = first.display.startsWith('~/');
    return { key, display: `${isHome ? `~/${displayPath(directory)}` : display}/`, changes: below };
  }
  return undefined;
}

/**
 * Asks what to apply.
 *
 * @returns the changes that were chosen, each to be applied by its own name
 * @throws UsageError where there is no terminal to ask on
 */
export function chooseChanges(store: Store, run: Run): Change[] {
  if (!canAsk()) {
    throw new UsageError('ERR_USAGE', 'wasbox apply -i needs a terminal', {
      hint: `Name the paths instead: wasbox apply ${run.record.id} PATH…`,
    });
  }
  const progress = progressLine();
  const changes = scanRun(store, run, progress.show);
  progress.end();
  return withDirectories(changes, new Chooser(store, run, asked(changes)).choose());
}

class Chooser {
  readonly #store: Store;
  readonly #run: Run;
  readonly #all: readonly Change[];
  #rest: readonly Change[];
  readonly #chosen = new Set<Change>();
  /** Directories in which each change is asked about. */
  readonly #opened = new Set<string>();

  constructor(store: Store, run: Run, changes: readonly Change[]) {
    this.#store = store;
    this.#run = run;
    this.#all = changes;
    this.#rest = changes;
  }

  choose(): Set<Change> {
    for (;;) {
      const [change] = this.#rest;
      if (change === undefined) return this.#chosen;
      const group = groupOf(this.#rest, this.#opened);
      const goesOn = group === undefined ? this.#askFile(change) : this.#askDirectory(group);
      if (!goesOn) return this.#chosen;
    }
  }

  /** Tells how to choose by name what only the user can decide. */
  #tellUnseen(changes: readonly Change[]): void {
    const unseen = changes.filter(({ flags }) => flags.includes('unseen'));
    for (const line of unseenHint(this.#run.record.id, unseen)) err(`${displayText(line)}\n`);
  }

  /** `[3/12] `, or `[3-9/12] ` for several. */
  #counter(count: number): string {
    const from = this.#all.length - this.#rest.length + 1;
    const to = from + count - 1;
    return `[${from === to ? from : `${from}-${to}`}/${this.#all.length}] `;
  }

  #drop(changes: readonly Change[]): void {
    const gone = new Set(changes);
    this.#rest = this.#rest.filter((one) => !gone.has(one));
  }

  /** Nothing in a directory that is not made is asked about. */
  #leave(change: Change): void {
    this.#drop(
      isMade(change) ? [change, ...this.#rest.filter((one) => isBelow(one, change))] : [change],
    );
  }

  /** Applies those that may be without being named, and says how many stay. */
  #applyAll(changes: readonly Change[]): void {
    const left: Change[] = [];
    for (const change of changes) {
      const below = left.some((top) => isMade(top) && isBelow(change, top));
      if (!below && isAppliedAutomatically(change) && !isNever(change)) this.#chosen.add(change);
      else left.push(change);
    }
    this.#drop(changes);
    if (left.length === 0) return;
    const names = left.slice(0, 3).map(({ display }) => display);
    const more = left.length > names.length ? ' …' : '';
    err(
      `${style(2, 'yellow', `not applied automatically: ${displayText(names.join(', '))}${more}`)}\n`,
    );
    this.#tellUnseen(left);
  }

  /** Names what a yes to the directory would bring that has notes: it is not shown one by one. */
  #listNoted(changes: readonly Change[]): void {
    const noted = changes.filter((one) => one.flags.length > 0);
    const shown = noted.slice(0, listedNotes);
    for (const one of shown) err(`${style(2, 'yellow', `  ${titleOf(one)}`)}\n`);
    const more = noted.length - shown.length;
    if (more > 0)
      err(`${style(2, 'yellow', `  … and ${more} more with notes; s asks about each`)}\n`);
  }

  /** @returns whether to go on */
  #askDirectory({ key, display, changes }: Group): boolean {
    const deleted = changes.filter(({ kind }) => kind === 'deleted').length;
    const count = `${changes.length} changes${deleted === 0 ? '' : `, ${deleted} of them deletions`}`;
    err(`${style(2, 'bold', `${this.#counter(changes.length)}${display}  ${count}`)}\n`);
    this.#listNoted(changes);
    const answer = ask('Apply the changes in this directory', directoryAnswers, () => {
      for (const change of changes) this.#show(change);
    });
    if (answer === 'q') return false;
    if (answer === 's') this.#opened.add(key);
    else if (answer === 'y') this.#applyAll(changes);
    else this.#drop(changes);
    return true;
  }

  /** @returns whether to go on */
  #askFile(change: Change): boolean {
    const line = `${this.#counter(1)}${titleOf(change)}`;
    if (isNever(change)) {
      err(`${style(2, 'yellow', line)}\n`);
      this.#tellUnseen([change]);
      this.#leave(change);
      return true;
    }
    err(`${style(2, 'bold', line)}\n`);
    this.#show(change, shownLines);
    const answer = ask('Apply this change', fileAnswers, () => this.#show(change));
    if (answer === 'q') return false;
    if (answer === 'n' || answer === 'd') {
      this.#leave(change);
      if (answer === 'd') this.#drop(this.#rest.filter((one) => isBeside(one, change)));
      return true;
    }
    this.#chosen.add(change);
    this.#drop([change]);
    if (answer === 'a') this.#applyAll(this.#rest.filter((one) => isBeside(one, change)));
    return true;
  }

  #show(change: Change, lines = Number.POSITIVE_INFINITY): void {
    show(this.#store, this.#run, change, lines);
  }
}

/** Returns whether a change is in the directory of another, or below. */
function isBeside(one: Change, { tree, path }: Change): boolean {
  const end = path.lastIndexOf(0x2f);
  return one.tree === tree && (end < 0 || isWithin(one.path, path.subarray(0, end)));
}

/** Returns whether a change is never applied, whatever the answer. */
const isNever = ({ kind, flags }: Change): boolean =>
  kind === 'xattr' || never.some((flag) => flags.includes(flag));
