/** A row of the catalogue. */

export interface AutoExecutedRule {
  /**
   * `held`: another program runs it, or takes commands from it, without the user starting it.
   * `note`: only a build, a test or the like runs it, which the user starts.
   * `harmless`: a hidden name of which is known that nothing runs it.
   */
  readonly level: 'held' | 'note' | 'harmless';
  /**
   * The last names of a path in lower case, in any directory; `*` matches within a name, `**` any names, a
   * trailing `/` everything below. With a leading `~/`: from the user's home.
   */
  readonly patterns: readonly string[];
  /** Completes "not applied automatically: …". */
  readonly why: string;
  /** The tool's own documentation. */
  readonly source: string;
  /** True if deleting it is harmless: nothing else takes its place. */
  readonly mayGo?: boolean | undefined;
}

function row(level: AutoExecutedRule['level']) {
  return (why: string, source: string, patterns: string): AutoExecutedRule => ({
    level,
    why,
    source,
    patterns: patterns.trim().split(/\s+/),
  });
}

export const held = row('held');
export const note = row('note');
export const harmless = row('harmless');

/** A row whose files may be deleted. */
export const mayGo = (rule: AutoExecutedRule): AutoExecutedRule => ({ ...rule, mayGo: true });
