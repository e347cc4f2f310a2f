/** What each project of vitest includes and leaves out in this tier and pass. */
export const projects: Record<
  'pure' | 'unit' | 'launch' | 'docs',
  { include: string[]; exclude: string[] }
>;
