/** The differences of changes as plain data. */
import { changeToJson, type JsonChange } from './change-json.js';
import { type FileDiff, isBinary } from './diff.js';

/** The part that `diff` adds: how a path was renamed, and how its content differs. */
export interface JsonDiff extends JsonChange {
  /** The other path of a rename, in the form of `path`. */
  readonly renamedFrom?: string | undefined;
  readonly renamedTo?: string | undefined;
  readonly similarity?: number | undefined;
  readonly binary: boolean;
  /** Lines; 0 for binary files. */
  readonly added: number;
  readonly removed: number;
  readonly beforeHash?: string | undefined;
  readonly afterHash?: string | undefined;
}

/** The difference of a path as plain data; two entries for one that was renamed. */
export function diffToJson(diff: FileDiff): JsonDiff[] {
  const { change, from, similarity, added, removed, parts } = diff;
  const binary = isBinary(diff);
  const beforeHash = parts.find(({ hashes }) => hashes?.before !== undefined)?.hashes?.before;
  const afterHash = parts.find(({ hashes }) => hashes?.after !== undefined)?.hashes?.after;
  const content = {
    binary,
    added,
    removed,
    ...(beforeHash === undefined ? {} : { beforeHash }),
    ...(afterHash === undefined ? {} : { afterHash }),
  };
  if (from === undefined) return [{ ...changeToJson(change), ...content }];
  return [
    { ...changeToJson(from), renamedTo: change.display, binary, added: 0, removed: 0 },
    { ...changeToJson(change), renamedFrom: from.display, similarity, ...content },
  ];
}
