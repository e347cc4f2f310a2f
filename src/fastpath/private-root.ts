/**
 * What an entry has of a run without namespaces: the native command makes its private root, and in the plan its
 * path stands at many places.
 */
import { loweredOf } from '../backend/index.js';
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

import { encodeReportContext } from './report-context.js';

/** As addon/rundir/private_root.c makes them: one copy, and directories that are empty. */
const directoryNames = [privateCopyName(0), privateHomeName, 'run', 'tmp'];

/** Whether the native command can make the private root of such a spec. */
export function fitsPrivateRoot(spec: SandboxSpec): boolean {
  const { identity, notes } = spec;
  if (identity.privileged || !notes.every(isWeakerNote)) return false;
  try {
    const { directories = [], files = [] } = loweredOf(spec).privateRoot ?? {};
    const names = directories.map(({ name }) => name).sort();
    return names.join() === directoryNames.join() && files.length === 0;
  } catch (error) {
    // What the backend refuses has no start to repeat; the launch says why.
    if (error instanceof SupportError) return false;
    throw error;
  }
}

const encoder = new TextEncoder();

/** Every place of `part` in the bytes. */
function placesOf(whole: Uint8Array, part: string): number[] {
  const bytes = Buffer.from(whole.buffer, whole.byteOffset, whole.length);
  const found: number[] = [];
  for (let at = bytes.indexOf(part); at >= 0; at = bytes.indexOf(part, at + 1)) found.push(at);
  return found;
}

export interface RootPlaces {
  /** Where the run's id stands in the plan. */
  readonly ids: readonly number[];
  /** Where it stands in the private root's path. */
  readonly idAt: number;
}

/** Undefined where its path is not known from others: the user's words may contain it. */
export function rootPlaces(
  plan: Uint8Array,
  path: string,
  { spec, id }: { readonly spec: SandboxSpec; readonly id: string },
): RootPlaces | undefined {
  const name = `/${id}/`;
  if (path.split(name).length !== 2) return undefined;
  const text = encodeReportContext({ spec, quiet: false, verbose: false });
  if (text.includes(JSON.stringify(path).slice(1, -1))) return undefined;
  const idAt = encoder.encode(path.slice(0, path.indexOf(name) + 1)).length;
  return { ids: placesOf(plan, path).map((at) => at + idAt), idAt };
}

/** Fields of the entry; undefined where arguments that are paths would need more than a copy's. */
export function rootFields(
  writer: PlanWriter,
  path: string,
  { spec, workdir }: { readonly spec: SandboxSpec; readonly workdir: string },
): Record<string, number | bigint> | undefined {
  const { directories = [] } = loweredOf(spec, path).privateRoot ?? {};
  const copy = directories.find(({ name }) => name === privateCopyName(0));
  const { view, leftOut = [] } = copy ?? {};
  if (view?.type !== 'host' || view.source !== workdir || view.target !== workdir) return undefined;
  // The longer one first, should one be in the other.
  const renames = [
    [workdir, `${path}/${privateCopyName(0)}`],
    [ownDirectory, `${path}/run`],
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
