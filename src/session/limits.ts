/** Limits of one program of a session, below those of the session. */
import { byInterface, spokenInterface, UsageError } from '../errors/index.js';
import { durationText, runOptionTable, sizeText, validateRunOptions } from '../options/index.js';
import { type OwnLimits, ownLimitNames } from '../plan/index.js';
import type { LimitsSpec } from '../resolve/index.js';

const text: Readonly<Record<keyof OwnLimits, (value: number) => string>> = {
  memoryBytes: sizeText,
  cpuMs: durationText,
  fileSizeBytes: sizeText,
  openFiles: String,
};

/** How a limit is named to who has set it. */
type Naming = (limit: keyof OwnLimits) => string;

/** Names a limit as an option of the command line. */
export const asOption: Naming = (limit) =>
  `--${runOptionTable.find(({ property }) => property === limit)?.name ?? limit}`;

export const asProperty =
  (call: string): Naming =>
  (limit) =>
    byInterface({
      command: `session.${call}: ${limit}`,
      library: `session.${call}: ${limit}`,
      mcp: overMcp[limit],
    });

const overMcp: Readonly<Record<keyof OwnLimits, string>> = {
  memoryBytes: 'memory_bytes',
  cpuMs: 'cpu_ms',
  fileSizeBytes: 'file_size_bytes',
  openFiles: 'open_files',
};

/** A program has no limit of its own where none is given: its session's still holds. */
const leaveOut = 'Leave it out for no limit but that of the session.';

/**
 * The limits among a program's options.
 * @param session those of the session
 * @throws UsageError where one is invalid, or above that of the session
 */
export function ownLimits(naming: Naming, options: OwnLimits, session: LimitsSpec): OwnLimits {
  const own: Record<string, number> = {};
  for (const name of ownLimitNames) {
    const value = options[name];
    if (value === undefined) continue;
    // The library has the words of a run's option.
    const told = { shown: naming(name), none: leaveOut };
    validateRunOptions({ [name]: value }, spokenInterface() === 'library' ? undefined : told);
    const most = session[name];
    if (most !== undefined && value > most) {
      throw new UsageError(
        'ERR_OPTION_VALUE',
        `${naming(name)} is above the session's limit (${text[name](most)})`,
        {
          hint: 'A program may have less than its session, not more. Begin the session with a higher limit.',
        },
      );
    }
    if (Number.isFinite(value)) own[name] = value;
  }
  return own;
}
