/** `wasbox diff`: what a run changed. */
import {
  diffRun,
  diffToJson,
  type FileDiff,
  formatPatch,
  formatStat,
  formatUnified,
  noteShown,
  openRun,
} from '../changes/index.js';
import { UsageError } from '../errors/index.js';
import type { ParsedLine } from '../options/index.js';
import { displayText, jsonText } from '../text/index.js';
import { latestRun } from './latest.js';
import { page } from './pager.js';
import { progressLine } from './progress.js';
import { err, hasColor, out, write } from './terminal.js';
import { flag, parseVerb, runAndPaths, userStore } from './verb.js';

/** The paths of a difference: a rename has two. */
const pathsOf = ({ change, from }: FileDiff): string =>
  from === undefined ? `${change.display}\n` : `${from.display}\n${change.display}\n`;

/** A patch is bytes as they are. What a person reads is escaped, so it takes a word of theirs. */
function checkPatch(values: ParsedLine['values']): void {
  const other = ['stat', 'name-only', 'json'].find((name) => values[name] === true);
  if (other !== undefined) {
    throw new UsageError('ERR_USAGE', `wasbox diff takes --patch or --${other}, not both`);
  }
  if (!process.getBuiltinModule('node:tty').isatty(1)) return;
  throw new UsageError(
    'ERR_USAGE',
    '--patch does not escape its output, so it cannot go to a terminal',
    {
      hint: 'To apply it with git: wasbox diff --patch | git apply',
    },
  );
}

export async function diffVerb(argv: readonly string[]): Promise<number> {
  const parsed = parseVerb(
    {
      name: 'diff',
      what: 'Shows what a run changed; without an ID the latest one in this directory, else the latest.\nOn a terminal through GIT_PAGER, PAGER or less.',
      usage: '[ID] [PATH…] [--stat | --name-only | --json | --patch]',
      options: [
        flag('stat', 'print a line a file'),
        flag('name-only', 'print the paths only, both of a rename'),
        flag('json', 'print the changes as JSON'),
        flag('patch', 'print exact bytes for git apply; needs a pipe or a file'),
        flag('no-pager', 'print straight to the terminal'),
      ],
    },
    argv,
  );
  if (parsed === undefined) return 0;
  if (parsed.values.patch === true) checkPatch(parsed.values);
  const store = userStore();
  const { id, paths } = runAndPaths(store, parsed.operands);
  const run = openRun(store, id ?? latestRun(store, 'show'));
  let shown = 0;
  const progress = progressLine();
  const options = {
    ...(paths.length === 0 ? {} : { paths }),
    patch: parsed.values.patch === true,
    onProgress: progress.show,
  };
  const files = function* (fold: boolean): Generator<FileDiff> {
    for (const file of diffRun(store, run, { ...options, fold })) {
      shown++;
      yield file;
    }
    progress.end();
  };
  const { json, stat, 'name-only': nameOnly, 'no-pager': noPager } = parsed.values;
  const color = hasColor(1);
  /** From the first line on, a terminal that shows the text is the text's. */
  const shownNow = (chunk: string): string => {
    if (process.getBuiltinModule('node:tty').isatty(1)) progress.end();
    return chunk;
  };
  const text = function* (): Generator<string> {
    if (nameOnly === true) {
      for (const file of files(false)) yield shownNow(pathsOf(file));
    } else if (stat === true) {
      const sum = formatStat(files(true), { color });
      if (shown > 0) yield sum;
    } else {
      for (const file of files(true)) yield shownNow(formatUnified(file, { color }));
    }
  };
  try {
    if (parsed.values.patch === true) {
      for (const file of files(false)) write(1, formatPatch(file));
    } else if (json === true) {
      // Piece by piece: all of it may be more than one string can hold.
      out(`{\n"schemaVersion": 1,\n"run": ${jsonText(run.record)},\n"changes": [`);
      let separator = '\n';
      for (const file of files(false)) {
        for (const change of diffToJson(file)) {
          out(`${separator}${jsonText(change)}`);
          separator = ',\n';
        }
      }
      out('\n]\n}\n');
    } else if (noPager === true) {
      for (const chunk of text()) out(chunk);
    } else {
      await page(text);
    }
    noteShown(store, run.record);
  } finally {
    progress.end();
    run.close();
  }
  if (shown > 0 || paths.length === 0) return 0;
  err(`wasbox: the run changed nothing at ${paths.map(displayText).join(', ')}\n`);
  return 1;
}
