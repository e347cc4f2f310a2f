/**
 * The same tests through the native front end (WASBOX_TEST_FRONT=1, `npm run test:front`): every start
 * of wasbox is recorded first and then made, and it is seen whether Node was started for it.
 *
 * The installation that the tests use is a copy in which the script for Node leaves a line in a file
 * whose name comes from record-first.c; for a start that is to be recorded it runs record-run.ts.
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import type { Identity } from './identity.js';

/** Whether wasbox is started through the native front end. */
export const throughFront = process.env.WASBOX_TEST_FRONT === '1';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** The native front end beside an installation's `cli.js`. */
export const frontOf = (as: Pick<Identity, 'cli'>): string =>
  join(dirname(as.cli), 'native', `linux-${process.arch}`, 'wasbox');

const recordFirst = (as: Identity): string => join(dirname(as.cli), 'record-first');
const notesOf = (as: Identity): string => join(dirname(as.cli), '../notes');

const script = `'use strict';
const { WASBOX_TEST_NOTE: note, WASBOX_TEST_RECORD: record } = process.env;
delete process.env.WASBOX_TEST_NOTE;
delete process.env.WASBOX_TEST_RECORD;
if (record !== undefined) {
  process.argv.splice(2, 0, note);
  import('./record-run.mjs');
} else {
  if (note !== undefined) require('node:fs').appendFileSync(note, 'node ' + process.argv[2] + '\\n');
  require('./cli-plain.cjs');
}
`;

/** Prepares a copy of the installation; `dist` belongs to whoever will use it. */
export function prepareTwoWays(dist: string): void {
  fs.renameSync(join(dist, 'cli.cjs'), join(dist, 'cli-plain.cjs'));
  fs.writeFileSync(join(dist, 'cli.cjs'), script);
  buildSync({
    entryPoints: [here('record-run.ts')],
    outfile: join(dist, 'record-run.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
  });
  execFileSync('cc', ['-O1', '-static', '-o', join(dist, 'record-first'), here('record-first.c')]);
  fs.mkdirSync(join(dist, '../notes'));
  fs.chmodSync(join(dist, '../notes'), 0o777); // tests start wasbox as others, too
}

/** Files of notes that this process handed out, and what was to be started. */
const handedOut: { readonly note: string; readonly words: readonly string[] }[] = [];

/** argv that records wasbox with these arguments and then runs it. */
export function twoWaysArgv(as: Identity, args: readonly string[]): string[] {
  const note = join(notesOf(as), `${process.pid}-${handedOut.length}`);
  handedOut.push({ note, words: args });
  return [recordFirst(as), note, frontOf(as), ...args];
}

/** Starts that were recorded, and for which Node was started afresh all the same. */
export function startedThroughNode(): string[] {
  return handedOut
    .filter(({ note }) => {
      const lines = fs.existsSync(note) ? fs.readFileSync(note, 'utf8').split('\n') : [];
      return lines.includes('saved') && lines.includes('node run');
    })
    .map(({ words }) => words.join(' '));
}

/** What the starts of a whole test run came to. */
export interface Tally {
  /** Without Node from start to end. */
  native: number;
  /** Started without Node, which then told of the end. */
  finished: number;
  /** Not recorded, so through Node. */
  node: number;
}

/** Counts all notes of an installation. */
export function tally(dist: string): Tally {
  const all: Tally = { native: 0, finished: 0, node: 0 };
  for (const name of fs.readdirSync(join(dist, '../notes'))) {
    const lines = fs.readFileSync(join(dist, '../notes', name), 'utf8');
    if (lines.includes('node run')) all.node += 1;
    else if (lines.includes('node finish-run')) all.finished += 1;
    else if (lines.includes('saved\n') && !lines.includes('not saved')) all.native += 1;
    else all.node += 1;
  }
  return all;
}
