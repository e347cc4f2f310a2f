/**
 * Asks a real program whether it runs or obeys a file, and the review what it does with the same file. The program is
 * asked in the user's directory, first without the file, then with it: only what the file adds counts. The oracle is a
 * marker beside the directory, which nothing but the file's content makes.
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { applyRun, type Change, finishRun, openRun } from '../../../src/changes/index.js';
import { type Fixture, makeFixture, runScript } from './fixture.js';

export type Verdict = 'held' | 'marked' | 'plain';

export interface Case {
  /** Completes "… is held", for the test's name. */
  readonly what: string;
  /** The user's files: `%W` stands for the directory, `%M` for the marker. */
  readonly host?: Readonly<Record<string, string>>;
  /** The user types this once the files are there, with `bash -e`. */
  readonly setUp?: string;
  /** The file that a run leaves, or `directory/*` for the one that it leaves there; its content as those above. */
  readonly name: string;
  readonly content?: string;
  /** A command of the run that makes the file, in place of its content. */
  readonly made?: string;
  /** The user types this afterwards; whether that succeeds says nothing. */
  readonly start: string;
  readonly verdict: Verdict;
  /** True if the program runs it. @default unless the verdict is `plain` */
  readonly runs?: boolean;
}

/** Rows for `test.each`, whose titles begin with what each is about. */
export const titled = (cases: readonly Case[]): [string, Case][] =>
  cases.map((one) => [one.what, one]);

/** A program for `sh` that makes the marker. */
export const touch = 'touch "%M"\n';

/** Runs a command as the user in a directory, with a home and a usual PATH. */
function typed(script: string, directory: string, home: string): void {
  execFileSync('bash', ['-c', script], {
    cwd: directory,
    env: { HOME: home, PATH: '/usr/local/bin:/usr/bin:/bin', USER: 'user', LANG: 'C.UTF-8' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  });
}

function tried(script: string, directory: string, home: string): void {
  try {
    typed(script, directory, home);
  } catch {
    // The marker says what ran.
  }
}

/** Applies what a script left, and returns how a path came off. */
function verdictOf(fixture: Fixture, script: string, name: string): Verdict {
  const run = runScript(fixture, script);
  finishRun(fixture.store, run, { succeeded: true }, 'keep');
  const kept = openRun(fixture.store);
  try {
    const { applied, refused } = applyRun(fixture.store, kept);
    const isIt = ({ display, type }: Change): boolean =>
      name.endsWith('/*')
        ? display.startsWith(name.slice(0, -1)) && type === 'file'
        : display === name;
    const found = refused.find(({ change }) => isIt(change));
    if (found !== undefined) {
      expect(found.reason).toBe('held');
      return 'held';
    }
    const change = applied.find(isIt);
    expect(change, `${name} is a change`).toBeDefined();
    return change?.flags.includes('runs-later') ? 'marked' : 'plain';
  } finally {
    kept.close();
  }
}

/**
 * Makes the user's directory, the file in a run, and then the file by hand, whatever the review said.
 *
 * @param isHome true if the directory is the user's home as well
 */
export function judged(one: Case, isHome = false): { runs: boolean; verdict: Verdict } {
  const fixture = makeFixture();
  const { base, workdir } = fixture;
  const home = isHome ? workdir : join(base, 'home');
  const marker = join(base, 'marker');
  const { HOME: before } = process.env;
  const own = (text: string) => text.replaceAll('%W', workdir).replaceAll('%M', marker);
  const put = (name: string, text: string) => {
    fs.mkdirSync(dirname(join(workdir, name)), { recursive: true });
    fs.writeFileSync(join(workdir, name), own(text), { mode: 0o755 });
  };
  try {
    fs.mkdirSync(home, { recursive: true });
    process.env.HOME = home;
    for (const [name, text] of Object.entries(one.host ?? {})) put(name, text);
    if (one.setUp !== undefined) typed(`set -e\n${own(one.setUp)}`, workdir, home);
    tried(own(one.start), workdir, home);
    expect(fs.existsSync(marker), 'the marker without the file').toBe(false);
    const content = join(base, 'content');
    fs.writeFileSync(content, own(one.content ?? ''), { mode: 0o755 });
    const make = own(
      one.made ?? `mkdir -p "$(dirname '${one.name}')"; cp -f '${content}' '${one.name}'`,
    );
    const verdict = verdictOf(fixture, make, one.name);
    typed(`set -e\n${make}`, workdir, home);
    tried(own(one.start), workdir, home);
    return { runs: fs.existsSync(marker), verdict };
  } finally {
    process.env.HOME = before;
    fixture.dispose();
  }
}

/** Fails unless both say what the case says. */
export function expectVerdict(one: Case, isHome = false): void {
  const { verdict, runs = verdict !== 'plain' } = one;
  expect(judged(one, isHome)).toEqual({ runs, verdict });
}
