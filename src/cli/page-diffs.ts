/** The differences that a run left, for the page of its report. */
import { diffRun, formatUnified, openRun, type Store } from '../changes/index.js';
import { WasboxError } from '../errors/index.js';
import type { PageDiffs } from '../report/html/index.js';
import type { RunReport } from '../report/index.js';

/** The most files, and characters of all of them, that go into a page. */
const mostFiles = 300;
const mostText = 2 << 20;

/** Returns the differences; undefined where nothing of the run is saved, or no longer. */
export function pageDiffs(store: Store, { runId, changes }: RunReport): PageDiffs | undefined {
  const saved = changes?.disposition === 'kept' || changes?.disposition === 'partly-applied';
  if (runId === undefined || !saved) return undefined;
  try {
    const run = openRun(store, runId);
    try {
      const files = [];
      let size = 0;
      for (const diff of diffRun(store, run, { fold: true })) {
        const text = formatUnified(diff);
        size += text.length;
        if (files.length === mostFiles || size > mostText) return { files, truncated: true };
        const { change, added, removed } = diff;
        files.push({ path: change.display, text, added, removed });
      }
      return { files, truncated: false };
    } finally {
      run.close();
    }
  } catch (error) {
    // The run was discarded in another terminal meanwhile: the page then has the list of paths alone.
    if (error instanceof WasboxError) return undefined;
    throw error;
  }
}
