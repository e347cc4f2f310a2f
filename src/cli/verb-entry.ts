/** Defines a verb, and a table of verbs as a section of the help. */

/** A verb: gets what follows its name, returns the exit status. */
export type Verb = (argv: readonly string[]) => Promise<number> | number;

export interface VerbEntry {
  /** A few words, without a full stop at the end. */
  readonly what: string;
  readonly load: () => Promise<Verb>;
}

/** Lines of a `Commands:` section. */
export const verbLines = (table: Readonly<Record<string, VerbEntry>>): string =>
  Object.entries(table)
    .map(([name, { what }]) => `  ${name.padEnd(10)} ${what}`)
    .join('\n');
