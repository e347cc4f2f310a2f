/**
 * The private root of a run without namespaces: copies of what it sees copy-on-write, an empty home and
 * directories for temporary files. At the end what changed in the copies becomes the run's layers, as an
 * overlay would have left them.
 *
 * It lies in the run's directory. Root's payload has ids that cannot walk there: then it lies in a public
 * directory for temporary files, and the run's directory has a link to it, for who cleans up after a kill.
 */

import { chmodSync, chownSync, mkdirSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loweredOf, type PrivateDirectory, type PrivateRoot } from '../backend/index.js';
import {
  beginPrivateRoot,
  capturePrivateRoot,
  endedPrivateRoot,
  hasPrivateRoot,
  newPrivateRootName,
  privateRootName,
  type Run,
  removePrivateRoot,
  systemProblem,
} from '../changes/index.js';
import { ChangesError, LaunchError } from '../errors/index.js';
import { randomBelow } from '../host/index.js';
import type { Native, NativeOutcome, NativeWorkingCopy } from '../native/index.js';
import { spoken } from '../options/index.js';
import { runIdMark } from '../plan/index.js';
import { type IdentitySpec, ownOf, type SandboxSpec } from '../resolve/index.js';
import { displayPath } from '../text/index.js';

export interface MadeRoot {
  /** The path that the plan is to have. */
  readonly path: string;
  /** Moves what changed in the copies to the run's layers; then there is no private root any more. */
  end(outcome: NativeOutcome): void;
  remove(): void;
}

/** Public, and not emptied while programs run; the first that is there. */
const publicPlaces = ['/var/tmp', '/tmp'];

/** Returns the path in a plan, which does not name its run; undefined of a spec that has none. */
export const privateRootUnmade = (spec: SandboxSpec): string | undefined =>
  ownOf(spec).tree ? undefined : join(spec.state.directory, 'runs', runIdMark, privateRootName);

/** The paths of a private root: while it is made; and from then on, as the plan has it. */
interface Place {
  readonly made: string;
  readonly path: string;
}

const digits = '0123456789abcdefghijklmnopqrstuvwxyz';
const randomDigits = (count: number): string =>
  Array.from({ length: count }, () => digits[randomBelow(digits.length)]).join('');

/**
 * Root's, and open to the payload's own group alone: what it copies may lie below closed directories. The link comes
 * first, so that a kill leaves no directory that no link leads to.
 */
function makePublic(place: string, link: string, { hostGid }: IdentitySpec): string {
  const made = join(place, `wasbox-${randomDigits(6)}`);
  symlinkSync(made, link);
  try {
    mkdirSync(made, { mode: 0o700 });
    chownSync(made, 0, hostGid);
    chmodSync(made, 0o710);
  } catch (error) {
    unlinkSync(link);
    throw error;
  }
  return made;
}

function makePlace(run: Run, spec: SandboxSpec): Place {
  const { identity } = spec;
  const made = join(run.directory, newPrivateRootName);
  if (!identity.privileged) {
    mkdirSync(made, { mode: 0o700 });
    return { made, path: privateRootUnmade(spec) ?? '' };
  }
  for (const place of publicPlaces) {
    try {
      const path = makePublic(place, made, identity);
      return { made: path, path };
    } catch {
      // The next may do.
    }
  }
  throw new LaunchError('ERR_SETUP', 'no directory for the private files of the run', {
    hint: `As root they are made in ${publicPlaces.join(' or ')}. Make one of them writable.`,
  });
}

const reasons: Readonly<Record<string, string>> = {
  EFBIG: 'it is larger than the limit on disk space, or on the size of a file (ulimit -f)',
  E2BIG: 'it has more files than a run may have', // EMFILE is a lack of descriptors: descriptors.ts
  ENOSPC: 'the disk is full',
  ELOOP: 'its directories are nested too deeply',
};

/** @throws LaunchError with what was in the way */
function attempt(what: string, hint: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    const { code = '', path = '', message } = error as NodeJS.ErrnoException;
    const why = reasons[code] ?? systemProblem(error) ?? message;
    const where = path === '' ? '' : ` (at ${displayPath(Buffer.from(path))})`;
    throw new LaunchError('ERR_SETUP', `${what}: ${why}${where}`, { hint, cause: error });
  }
}

const textOf = (names: readonly string[]): string => names.map((name) => `${name}\0`).join('');

function copyOf(
  directory: PrivateDirectory,
  place: string,
  { identity, limits }: SandboxSpec,
): NativeWorkingCopy {
  const { name, view, leftOut } = directory;
  const owner = identity.privileged ? { uid: identity.hostUid, gid: identity.hostGid } : {};
  if (view?.type !== 'host') return { place, name, ...owner };
  return {
    source: view.source,
    place,
    name,
    leftOut: textOf(leftOut),
    ...owner,
    maxBytes: limits.diskBytes ?? 0,
    maxFiles: limits.inodes ?? 0,
  };
}

function fill(native: Native, root: PrivateRoot, spec: SandboxSpec): void {
  const { path } = root;
  for (const directory of root.directories) {
    const { view } = directory;
    const source = view?.type === 'host' ? view.source : path;
    const hint = spoken`Choose a smaller directory with --workdir DIR, or leave parts out with --hide PATH.`;
    attempt(`cannot copy ${source} for the run`, hint, () => {
      native.makeWorkingCopy(copyOf(directory, path, spec));
    });
  }
  for (const { path: file, entry } of root.files) {
    writeFileSync(file, entry.content, { flag: 'wx' });
    chmodSync(file, entry.mode);
    if (spec.identity.privileged) chownSync(file, spec.identity.hostUid, spec.identity.hostGid);
  }
}

/**
 * Makes the private root of a run that is about to start.
 * @throws LaunchError where a directory cannot be copied
 */
export function makePrivateRoot(native: Native, run: Run, spec: SandboxSpec): MadeRoot {
  const { made, path } = makePlace(run, spec);
  const remove = (): void => removePrivateRoot(native, run.directory);
  const { privateRoot: root } = loweredOf(spec, made);
  if (root === undefined) throw new TypeError('a run with namespaces has no private root');
  try {
    fill(native, root, spec);
    beginPrivateRoot(run.directory);
  } catch (error) {
    remove();
    throw error;
  }
  return {
    path,
    remove,
    end: (outcome) => endPrivateRoot(native, run, spec, outcome),
  };
}

/**
 * Moves what changed in its copies to the run's layers; then there is no private root any more. Where that fails, it
 * stays, and the next look at the runs goes on with it.
 * @throws ChangesError where it does not find room
 */
export function endPrivateRoot(
  native: Native,
  run: Run,
  { identity }: SandboxSpec,
  { kind }: NativeOutcome,
): void {
  const { directory, record } = run;
  if (kind !== 'setup' && kind !== 'exec') {
    try {
      if (
        !hasPrivateRoot(directory) ||
        !capturePrivateRoot(native, directory, record, { unowned: identity.unowned === true })
      )
        throw new Error('its copy of the directory is damaged');
    } catch (error) {
      const { code = '', message } = error as NodeJS.ErrnoException;
      const why = reasons[code] ?? systemProblem(error) ?? message;
      throw new ChangesError(
        'ERR_STATE_DIR',
        `the changes of run ${record.id} could not be saved yet: ${why}`,
        {
          hint: `They are still there. Once that is put right:\n  wasbox diff ${record.id}`,
          cause: error,
        },
      );
    }
    endedPrivateRoot(directory);
  }
  removePrivateRoot(native, directory);
}
