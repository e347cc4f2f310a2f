/** Changes as plain data. */
import { displayPath } from '../../text/index.js';
import type { Change, ChangeFlag, ChangeKind, FileState, FileType } from '../model/index.js';

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
  /** True if it is in the home, shown as `~/…`; a file of the project may be named so, too. @default false */
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
