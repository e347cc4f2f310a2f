/** A run that is made once more to be watched: nothing of it stays. */

import { posix } from 'node:path';
import { UsageError } from '../errors/index.js';
import { type Host, isWithin } from '../host/index.js';
import {
  asksQuestions,
  type RunArguments,
  type RunOptions,
  splitMapping,
} from '../options/index.js';
import { reachesHost, resolveWorkdir, type SandboxSpec } from '../resolve/index.js';

export interface Rehearsal {
  readonly options: RunOptions;
  /** Notes on what is otherwise than it was. */
  readonly notes: readonly string[];
}

/** The options of the run, watched: directories of `--rw` are copied, and changes dropped. */
export function watched(
  given: Omit<RunArguments, 'ask'> & { readonly ask?: unknown },
  host: Host,
): Rehearsal {
  const { report: _, html: __, json: ___, ask, continue: before, rw, ...rest } = given;
  const notes: string[] = [];
  if (before !== undefined) notes.push(`without the changes of run ${before}`);
  if (asksQuestions({ ask })) notes.push('nothing is asked: what --ask would ask about is blocked');
  const copied = copies(rw ?? [], host, given);
  if ((rw ?? []).length > 0) notes.push('what --rw makes writable is copy-on-write this time');
  const cow = [...(given.cow ?? []), ...copied.directories];
  const kept = copied.others.length === 0 ? {} : { rw: copied.others };
  const more = cow.length === 0 ? {} : { cow };
  return { options: { ...rest, ...kept, ...more, audit: true, changes: 'discard' }, notes };
}

type Mapping = NonNullable<RunOptions['rw']>[number];

/** Directories that `--rw` shows; those in the working directory or project are copied as it is. */
function copies(
  rw: readonly Mapping[],
  host: Host,
  given: RunOptions,
): { readonly directories: readonly Mapping[]; readonly others: readonly Mapping[] } {
  const base = host.cwd() ?? '/';
  if (rw.length === 0) return { directories: [], others: [] };
  const top = resolveWorkdir(given, host).path;
  const directories: Mapping[] = [];
  const others: Mapping[] = [];
  for (const one of rw) {
    const { path, dest } = typeof one === 'string' ? splitMapping(one) : one;
    const source = host.files.realpath(posix.resolve(base, path));
    const kind = source === undefined ? undefined : host.files.stat(source)?.kind;
    if (source === undefined || kind !== 'directory') others.push(one);
    else if (!isWithin(source, top) || dest !== undefined) directories.push(one);
  }
  return { directories, others };
}

/** @throws UsageError where the run could still change the user's real files */
export function refuseRealWrites({ views }: Pick<SandboxSpec, 'views'>): void {
  // A write to a preset's cache meanwhile is what the next run would fetch.
  const real = views.filter(reachesHost).find(({ origin }) => origin !== 'cache');
  if (real === undefined) return;
  throw new UsageError(
    'ERR_USAGE',
    `it was not run again: it can write to the real ${real.source}`,
    { hint: 'To watch it while it does: wasbox run --audit -v …, and then wasbox why' },
  );
}
