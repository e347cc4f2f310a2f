/** What a row of the catalogue holds. */

export interface AutoExecutedRule {
  /**
   * `held`: something runs it, or is steered by it, though the user did not start that very thing.
   * `note`: only a build, a test or the like runs it, which the user starts.
   */
  readonly level: 'held' | 'note';
  /**
   * Names from the end ("anywhere" in front is implied), in lower case; `*` matches within a name, `**`
   * any names, a `/` at the end all below. With `~/` in front: from the user's home.
   */
  readonly patterns: readonly string[];
  /** Completes "held back because …". */
  readonly why: string;
  /** The tool's own documentation. */
  readonly source: string;
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
