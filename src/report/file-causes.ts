/** Why files could not be used, as entries of the report beside refused calls. */

import { pathOption } from '../options/index.js';
import { secretOf } from '../resolve/index.js';
import { displayText } from '../text/index.js';
import type { ReportRefusal } from './refusal-types.js';
import { timeOf } from './time-of.js';

export type FileCauseKind =
  /** It exists on the host and is hidden. */
  | 'hidden'
  /** It exists on the host and is hidden, and the program tried to change it. */
  | 'hidden-change'
  /** The program tried to make it in a directory that is hidden. */
  | 'hidden-directory'
  /** `--hide` or `--hide-secrets` hides it. */
  | 'closed'
  /** It is mounted read-only, and the program tried to change it. */
  | 'read-only'
  /** It belongs to an image, whose tree is read-only. */
  | 'image'
  /** It is mounted copy-on-write, but its owner or group is not the program's. */
  | 'owner'
  /** A device file, which Landlock refuses to make. */
  | 'device'
  /** The program exists, but not its interpreter. */
  | 'interpreter'
  /** No directory contains it. */
  | 'library';

/** Why a file could not be used, as the launch stage found. The payload chose the texts. */
export interface FileCause {
  readonly kind: FileCauseKind;
  readonly call: string;
  readonly path: string;
  /** The interpreter that is missing. */
  readonly about?: string | undefined;
  /** The path for the option that helps; undefined if none does. */
  readonly place?: string | undefined;
  /** The keys or tokens at that path, or in it. */
  readonly secret?: string | undefined;
  /** True if no option helps but one that shows the homes of users. @default false */
  readonly wide?: true | undefined;
  readonly count: number;
  /** When it was last used, in nanoseconds since the start. */
  readonly lastNs?: number | undefined;
  /** True if it was only looked at, and never opened. */
  readonly looked?: boolean | undefined;
}

function whyOf({ kind, about, place, wide }: FileCause): Pick<ReportRefusal, 'cause' | 'option'> {
  const shown = place === undefined ? undefined : pathOption('--ro', place);
  const copied = place === undefined ? undefined : pathOption('--cow', place);
  const among = 'in a directory with the homes of users';
  const reaches = '(--rw would change the real files)';
  switch (kind) {
    case 'hidden-change':
    case 'hidden-directory': {
      const what = kind === 'hidden-change' ? 'it' : 'its directory';
      const cause = `${what} is hidden: it exists only outside the sandbox`;
      return place === undefined
        ? { cause: wide === true ? `${cause}, ${among}` : `${cause}, and you may not change it` }
        : { cause: `${cause} ${reaches}`, option: copied };
    }
    case 'hidden':
      return wide === true
        ? { cause: 'it is hidden: the homes of users are in it' }
        : { cause: 'it is hidden: it exists only outside the sandbox', option: shown };
    case 'closed':
      return { cause: 'it is hidden by --hide or --hide-secrets' };
    case 'read-only':
      return place === undefined
        ? {
            cause: `it is read-only inside, ${wide === true ? among : 'and you may not change it outside'}`,
          }
        : {
            cause: `it is read-only inside ${reaches}`,
            option: copied,
          };
    case 'image':
      return { cause: 'it belongs to the image, which is read-only', option: '--cow /' };
    case 'owner':
      return {
        cause:
          'it has another owner or group than the program, so the kernel cannot copy it. Run chown or chgrp outside, or run wasbox as its owner',
      };
    case 'device':
      return { cause: 'device files cannot be created inside (Landlock refuses them)' };
    case 'interpreter':
      return place === undefined
        ? { cause: `its interpreter ${displayText(about ?? '')} does not exist` }
        : {
            cause: `its interpreter ${displayText(about ?? '')} is hidden`,
            option: shown,
          };
    default:
      return { cause: 'this shared library was not found, inside or outside' };
  }
}

/** Why a file that a program asked for was denied, and what shows it. @param path on the host */
export const whyDenied = (
  path: string,
  changes: boolean,
): Pick<ReportRefusal, 'cause' | 'option' | 'secret'> => {
  const why = changes
    ? {
        cause: 'the program may not change it (--rw would change the real files)',
        option: pathOption('--cow', path),
      }
    : whyOf({ kind: 'hidden', call: '', path, place: path, count: 1 });
  return { ...why, ...secretIn(why, secretOf(path)) };
};

/** A secret that the option of an entry shows. */
const secretIn = (
  { option }: Pick<ReportRefusal, 'option'>,
  secret: string | undefined,
): Pick<ReportRefusal, 'secret'> =>
  option === undefined || secret === undefined ? {} : { secret };

export const causeEntries = (causes: readonly FileCause[]): ReportRefusal[] =>
  causes.map((cause) => {
    const why = whyOf(cause);
    return {
      kind: 'file',
      call: cause.call,
      target: displayText(cause.path),
      arguments: {},
      count: cause.count,
      ...why,
      ...secretIn(why, cause.secret),
      ...timeOf(cause.lastNs, 0),
      ...(cause.looked === true ? { looked: true } : {}),
    };
  });
