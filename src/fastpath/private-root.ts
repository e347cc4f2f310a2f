/** Encodes what an entry has of a run without namespaces, whose private root the native command makes. */
import { loweredOf } from '../backend/index.js';
import { privateRootName } from '../changes/index.js';
import { SupportError } from '../errors/index.js';
import { isWithin } from '../host/index.js';
import { type PlanWriter, wordBytes } from '../plan/index.js';
import {
  isWeakerNote,
  ownDirectory,
  privateCopyName,
  privateHomeName,
  type SandboxSpec,
} from '../resolve/index.js';

/** The directories that addon/rundir/private_root.c makes: one copy, and directories that are empty. */
const directoryNames = [privateCopyName(0), privateHomeName, 'run', 'tmp'];

/** Returns whether the native command can make the private root of such a spec. */
export function fitsPrivateRoot(spec: SandboxSpec): boolean {
  const { identity, notes } = spec;
  if (identity.privileged || !notes.every(isWeakerNote)) return false;
  try {
    const { directories = [], files = [] } = loweredOf(spec).privateRoot ?? {};
    const names = directories.map(({ name }) => name).sort();
    return names.join() === directoryNames.join() && files.length === 0;
  } catch (error) {
    // A run that the backend refuses has no start to repeat; the launch says why.
    if (error instanceof SupportError) return false;
    throw error;
  }
}

/** Fields of the entry; undefined where arguments that are paths would need more than a copy's. */
export function rootFields(
  writer: PlanWriter,
  spec: SandboxSpec,
  workdir: string,
): Record<string, number | bigint> | undefined {
  const { directories = [] } = loweredOf(spec).privateRoot ?? {};
  const copy = directories.find(({ name }) => name === privateCopyName(0));
  const { view, leftOut = [] } = copy ?? {};
  if (view?.type !== 'host' || view.source !== workdir || view.target !== workdir) return undefined;
  // The longer one first, should one be in the other.
  const renames = [
    [workdir, `${privateRootName}/${privateCopyName(0)}`],
    [ownDirectory, `${privateRootName}/run`],
  ].sort(([a = ''], [b = '']) => b.length - a.length);
  if (isWithin(ownDirectory, workdir)) return undefined;
  const list = wordBytes(renames.flat());
  const names = wordBytes(leftOut);
  return {
    privateRoot: 1,
    ...(names.length === 0 ? {} : { leftOut: writer.bytes(names), leftOutSize: names.length }),
    renames: writer.bytes(list),
    renamesSize: list.length,
    maxBytes: BigInt(spec.limits.diskBytes ?? 0),
    maxFiles: BigInt(spec.limits.inodes ?? 0),
  };
}
