/** Files that this tier and pass would run, if their programs were there. */
export const leftOutFiles: string[];

/** Lists what each project of vitest includes and leaves out in this tier and pass. */
export const projects: Record<
  'pure' | 'unit' | 'mocking' | 'launch' | 'docs',
  { include: string[]; exclude: string[] }
>;

/** Files that begin first, from the checkout. */
export const longest: string[];
