/** Id maps: which ids exist inside, and what the host calls them. user_namespaces(7) */
import type { IdentitySpec, IdRange } from '../resolve/index.js';
import { idRangeLayout, idRangeSize, WB_ID_RANGES_MAX } from './wire.generated.js';
import type { PlanWriter } from './writer.js';

/** The lines of both maps. */
export interface IdMaps {
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
}

/**
 * Several ids begin at 0 inside, so that other owners in the tree stay distinct; a single one is the
 * payload's own.
 */
export function idMaps({ uid, gid, hostUid, hostGid, count, maps }: IdentitySpec): IdMaps {
  if (maps !== undefined) return maps;
  const map = (inside: number, outside: number): IdRange[] => [
    { inside: count > 1 ? 0 : inside, outside, count },
  ];
  return { uids: map(uid, hostUid), gids: map(gid, hostGid) };
}

/** Appends the lines of a map; returns their offset. */
export function writeIdRanges(writer: PlanWriter, ranges: readonly IdRange[]): number {
  if (ranges.length > WB_ID_RANGES_MAX) {
    throw new RangeError(`an id map has at most ${WB_ID_RANGES_MAX} lines`);
  }
  const at = writer.reserve(ranges.length * idRangeSize);
  for (const [i, { inside, outside, count }] of ranges.entries()) {
    writer.fields(at + i * idRangeSize, idRangeLayout, { inside, outside, count });
  }
  return at;
}
