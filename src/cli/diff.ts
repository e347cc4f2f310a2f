/** Stage: cli. `wasbox diff`: what a run changed. */
import {
  changeToJson,
  diffRun,
  displayText,
  formatStat,
  formatUnified,
  openRun,
  scanRun,
} from '../changes/index.js';
import { err, hasColor, out } from './terminal.js';
import { defaultRun, flag, parseVerb, runAndPaths, userStore } from './verb.js';

export function diffVerb(argv: readonly string[]): number {
  const parsed = parseVerb(
    {
      name: 'diff',
      what: 'Shows what a run changed; without an ID the latest one in this directory, else the latest.',
      usage: '[ID] [PATH…] [--stat] [--name-only] [--json]',
      options: [
        flag('stat', 'print a line a file'),
        flag('name-only', 'print the paths only'),
        flag('json', 'print the changes as JSON'),
      ],
    },
    argv,
  );
  if (parsed === undefined) return 0;
  const store = userStore();
  const { id, paths } = runAndPaths(store, parsed.operands);
  const run = openRun(store, id ?? defaultRun(store, 'diff'));
  let shown = 0;
  try {
    const color = hasColor(1);
    const files = diffRun(store, run, paths.length === 0 ? {} : { paths });
    const { json, stat, 'name-only': nameOnly } = parsed.values;
    if (json === true && paths.length === 0) {
      const changes = scanRun(store, run).map(changeToJson);
      out(`${JSON.stringify({ schemaVersion: 1, run: run.record, changes }, null, 2)}\n`);
      return 0;
    }
    if (json === true) {
      const changes = [...files].map(({ change }) => changeToJson(change));
      shown = changes.length;
      out(`${JSON.stringify({ schemaVersion: 1, run: run.record, changes }, null, 2)}\n`);
    } else if (stat === true) {
      const all = [...files];
      shown = all.length;
      if (shown > 0) out(formatStat(all, { color }));
    } else {
      for (const file of files) {
        shown++;
        out(nameOnly === true ? `${file.change.display}\n` : formatUnified(file, { color }));
      }
    }
  } finally {
    run.close();
  }
  if (shown > 0 || paths.length === 0) return 0;
  err(`wasbox: the run changed nothing at ${paths.map(displayText).join(', ')}\n`);
  return 1;
}
