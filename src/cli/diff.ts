/** Stage: cli. `wasbox diff`: what a run changed. */
import {
  changeToJson,
  diffRun,
  formatStat,
  formatUnified,
  openRun,
  scanRun,
} from '../changes/index.js';
import { hasColor, out } from './terminal.js';
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
  try {
    const color = hasColor(1);
    const selection = paths.length === 0 ? {} : { paths };
    if (parsed.values.json === true) {
      const changes = scanRun(store, run).map(changeToJson);
      out(`${JSON.stringify({ schemaVersion: 1, run: run.record, changes }, null, 2)}\n`);
    } else if (parsed.values['name-only'] === true) {
      for (const { display } of scanRun(store, run)) out(`${display}\n`);
    } else if (parsed.values.stat === true) {
      out(formatStat(diffRun(store, run, selection), { color }));
    } else {
      for (const file of diffRun(store, run, selection)) out(formatUnified(file, { color }));
    }
  } finally {
    run.close();
  }
  return 0;
}
