/** Types of option values that are more than a word or a number. */

/** A host path and where it appears inside: the string `PATH[:DEST]`, or its two parts. */
export type PathMapping =
  | string
  | {
      readonly path: string;
      readonly dest?: string | undefined;
      /** A directory that `path` must lie in, wherever links on the way lead. */
      readonly within?: string | undefined;
    };

/**
 * Variables to set, or (`true`) to pass on from the caller's environment; `process.env` is one. Those
 * that are undefined are left out.
 */
export type VariableMap = Readonly<Record<string, string | true | undefined>>;

/** The words of `--net`; everything else is a rule. */
export const netWords = ['none', 'host', 'internet'] as const;

/** `none`, `host`, or the rules of `--net`: as on the command line, or one an element. */
export type NetworkOption = string | readonly string[];
