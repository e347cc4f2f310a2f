/** Changes as plain data. */

import { displayPath } from '../../text/index.js';
import type { Change, ChangeFlag, ChangeKind, FileState, FileType } from '../model/index.js';
import { type FileDiff, isBinary } from './diff.js';

/** The state before or after a change in JSON. */
export interface JsonState {
  readonly type: FileType;
  /** Octal, four digits. */
  readonly mode: string;
  readonly size: number;
  /** ISO 8601, UTC. */
  readonly modified: string;
  /** Target of a symbolic link, as `path` is. */
  readonly link?: string | undefined;
}

export interface JsonChange {
  /** Escaped as for people if it is not plain text; then `pathBase64` has the bytes. */
  readonly path: string;
  readonly pathBase64?: string | undefined;
  /** Whether it is in the home, shown as `~/…`; a file of the project may be named so, too. @default false */
  readonly inHome?: boolean | undefined;
  readonly kind: ChangeKind;
  readonly type: FileType;
  readonly flags: readonly ChangeFlag[];
  readonly runs?: string | undefined;
  readonly before?: JsonState | undefined;
  readonly after?: JsonState | undefined;
}

function jsonState(state: FileState): JsonState {
  const milliseconds = Number(state.mtimeNs / 1_000_000n);
  const inRange = Math.abs(milliseconds) <= 8.64e15;
  return {
    type: state.type,
    mode: state.mode.toString(8).padStart(4, '0'),
    size: state.size,
    modified: new Date(inRange ? milliseconds : 0).toISOString(),
    ...(state.link === undefined ? {} : { link: displayPath(state.link) }),
  };
}

/** What `diff` adds: how a path was renamed, and how its content differs. */
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

/** A change as plain data. */
export function changeToJson(change: Change): JsonChange {
  const { path, display, home, kind, type, flags, runs, before, after } = change;
  const plain = display.startsWith('"') ? { pathBase64: path.toString('base64') } : {};
  return {
    path: display,
    ...plain,
    ...(home === undefined ? {} : { inHome: true }),
    kind,
    type,
    flags,
    ...(runs === undefined ? {} : { runs }),
    ...(before === undefined ? {} : { before: jsonState(before) }),
    ...(after === undefined ? {} : { after: jsonState(after) }),
  };
}
