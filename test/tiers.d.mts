/** Files that this tier and pass would run, if their programs were there. */
export const leftOutFiles: string[];

/** Lists what each project of vitest includes and leaves out in this tier and pass. */
export const projects: Record<
  'pure' | 'unit' | 'mocking' | 'launch' | 'launch-mocking' | 'docs',
  { include: string[]; exclude: string[] }
>;

/** Files that begin first, from the checkout. */
export const longest: string[];

/** Lists the files that a project has in this tier and pass. */
export function filesOf(name: keyof typeof projects): string[];

/** All files of tests, from the checkout. */
export const all: string[];

/** Files and patterns that the pass as an ordinary user runs alone. */
export const anyUser: string[];

/** Long tests, by project. */
export const slow: Record<string, string[]>;
