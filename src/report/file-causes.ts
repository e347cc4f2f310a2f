/** Causes beyond the filter, as entries of the report like those of refused calls. */

import { shellQuote } from '../options/index.js';
import { displayText } from '../text/index.js';
import type { ReportRefusal } from './refusals.js';

export type FileCauseKind =
  /** It exists on the host and is not shown. */
  | 'hidden'
  /** The same, and it was to be changed. */
  | 'hidden-change'
  /** The directory that it was to be made in exists on the host and is not shown. */
  | 'hidden-directory'
  /** `--hide` or `--hide-secrets` closes it. */
  | 'closed'
  /** It is shown read-only, and was to be changed. */
  | 'read-only'
  /** It was to be changed copy-on-write, and its owner or group is not the program's. */
  | 'owner'
  /** A device file was to be made, which Landlock refuses. */
  | 'device'
  /** The program is there, and the one that runs it is not. */
  | 'interpreter'
  /** No directory has it. */
  | 'library';

/** Why a file could not be used, as the launch stage found out. Texts are the payload's. */
export interface FileCause {
  readonly kind: FileCauseKind;
  readonly call: string;
  readonly path: string;
  /** The interpreter that is missing. */
  readonly about?: string | undefined;
  /** What an option would have to name; undefined where none helps. */
  readonly place?: string | undefined;
  readonly count: number;
}

function whyOf({ kind, about, place }: FileCause): Pick<ReportRefusal, 'cause' | 'option'> {
  const named = place === undefined ? '' : shellQuote(place);
  const reaches = '(--rw would let it reach the host)';
  switch (kind) {
    case 'hidden-change':
    case 'hidden-directory': {
      const what = kind === 'hidden-change' ? 'it is' : 'its directory is';
      const cause = `${what} hidden: it exists outside the sandbox only`;
      return place === undefined
        ? { cause: `${cause}, and is not to be changed by you` }
        : { cause: `${cause} ${reaches}`, option: `--cow ${named}` };
    }
    case 'hidden':
      return { cause: 'it is hidden: it exists outside the sandbox only', option: `--ro ${named}` };
    case 'closed':
      return { cause: 'it is closed by --hide or --hide-secrets' };
    case 'read-only':
      return place === undefined
        ? { cause: 'it is read-only inside, and not yours to change outside' }
        : {
            cause: `it is read-only inside ${reaches}`,
            option: `--cow ${named}`,
          };
    case 'owner':
      return {
        cause:
          'its owner or group is not the one that the program has, so no copy of it can be made: chown or chgrp it outside, or run wasbox as its owner',
      };
    case 'device':
      return { cause: 'device files cannot be made inside (Landlock refuses them)' };
    case 'interpreter':
      return place === undefined
        ? { cause: `its interpreter ${displayText(about ?? '')} does not exist` }
        : {
            cause: `its interpreter ${displayText(about ?? '')} is hidden`,
            option: `--ro ${named}`,
          };
    default:
      return { cause: 'no directory has this shared library, here or outside' };
  }
}

export const causeEntries = (causes: readonly FileCause[]): ReportRefusal[] =>
  causes.map((cause) => ({
    kind: 'file',
    call: cause.call,
    target: displayText(cause.path),
    arguments: {},
    count: cause.count,
    ...whyOf(cause),
  }));
