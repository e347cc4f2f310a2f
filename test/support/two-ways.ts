/**
 * Runs the same tests through the native command (WASBOX_TEST_FASTPATH=1, `npm run nightly -- fastpath`): every start
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

/** True if wasbox is started in Node, as where no engine is built; else through the native command and its engine. */
export const throughNode = process.env.WASBOX_TEST_NODE === '1';

/** True if wasbox is started through the native command, which repeats what was recorded just before. */
export const throughFront = process.env.WASBOX_TEST_FASTPATH === '1';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

const platform = `linux-${process.arch}`;

/** The native command beside an installation's `cli.js`, with its engine. */
export const nativeOf = (as: Pick<Identity, 'cli'>): string =>
  join(dirname(as.cli), 'native', platform, 'wasbox');

/** The native command of an installation without an engine: it repeats starts, and leaves others to Node. */
export const fastpathOf = (as: Pick<Identity, 'scratch'>): string =>
  join(as.scratch, 'replay', 'native', platform, 'wasbox');

/** Makes that installation: the same files, but for the native part. */
export function prepareReplay(dist: string, scratch: string): void {
  const replay = join(scratch, 'replay');
  const native = join('native', platform);
  fs.mkdirSync(join(replay, native), { recursive: true });
  for (const name of ['wasbox', 'wasbox-init'])
    fs.copyFileSync(join(dist, native, name), join(replay, native, name));
  for (const name of fs.readdirSync(dist))
    if (name !== 'native') fs.symlinkSync(join(dist, name), join(replay, name));
}

const recordFirst = (as: Identity): string => join(dirname(as.cli), 'record-first');
const notesOf = (as: Identity): string => join(dirname(as.cli), '../notes');

const script = `'use strict';
const { env, argv } = process;
const { WASBOX_TEST_NOTE: note, WASBOX_TEST_RECORD: record, WASBOX_TEST_STATE: state } = env;
for (const name of ['NOTE', 'RECORD', 'STATE']) delete env['WASBOX_TEST_' + name];
if (record !== undefined) {
  if (state === undefined) delete env.XDG_STATE_HOME;
  else env.XDG_STATE_HOME = state;
  argv.splice(2, 0, note);
  import('./record-run.mjs');
} else {
  if (note !== undefined)
    require('node:fs').appendFileSync(note, 'node ' + argv.slice(2).join(' ').replace(/\\s/g, ' ') + '\\n');
  require('./cli-plain.cjs');
}
`;

/** Prepares a copy of the installation; `dist` belongs to the user who will use it. */
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

/** Files of notes that this process handed out. */
const handedOut: string[] = [];

/** argv that records wasbox with these arguments and then runs it. */
export function twoWaysArgv(as: Identity, args: readonly string[]): string[] {
  const note = join(notesOf(as), `${process.pid}-${handedOut.length}`);
  handedOut.push(note);
  return [recordFirst(as), note, fastpathOf(as), ...args];
}

/** Predicates of the starts that failed, as their tests wanted. */
const failures: ((line: string) => boolean)[] = [];

/**
 * Says of starts that they were to fail: the native command then starts afresh through Node, which tells why.
 * `which` is asked with `node run` and the arguments.
 */
export function failedToStart(which: (line: string) => boolean = () => true): void {
  failures.push(which);
}

/** Starts that were recorded, and right after that made through Node all the same. */
export function startedThroughNode(): string[] {
  return handedOut
    .filter((note) => fs.existsSync(note))
    .flatMap((note) => {
      const lines = fs.readFileSync(note, 'utf8').split('\n');
      return lines.filter((line, i) => line.startsWith('node run') && lines[i - 1] === 'saved');
    })
    .filter((line) => !failures.some((which) => which(line)));
}

/** Counts what the starts of a whole test run came to. */
export interface Tally {
  /** Starts without Node from start to end. */
  native: number;
  /** Starts without Node, which then reported the end. */
  finished: number;
  /** Starts that were not recorded, so through Node. */
  node: number;
  /** Why not, and how often. */
  readonly reasons: Map<string, number>;
}

/** Counts all notes of an installation. */
export function tally(dist: string): Tally {
  const all: Tally = { native: 0, finished: 0, node: 0, reasons: new Map() };
  for (const name of fs.readdirSync(join(dist, '../notes'))) {
    const lines = fs.readFileSync(join(dist, '../notes', name), 'utf8');
    const reason = /^not saved: (.*)$/m.exec(lines)?.[1];
    if (reason !== undefined) {
      all.node += 1;
      all.reasons.set(reason, (all.reasons.get(reason) ?? 0) + 1);
    } else if (lines.includes('node run')) all.node += 1;
    else if (lines.includes('node finish-run')) all.finished += 1;
    else all.native += 1;
  }
  return all;
}
