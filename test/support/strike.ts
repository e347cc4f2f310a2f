/** Builds strike.c, which ends a program, or makes its calls fail, at a chosen system call. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Identity } from './identity.js';

/** Where and how a program is struck; strike.c says more. */
export interface Strike {
  /** The number of its call that is struck; 0: never. */
  readonly at: number;
  /** Microseconds before its calls are counted. */
  readonly after?: number;
  readonly signal?: number;
  /** The name of a process below the program that gets the signal in its place; strike.c says which. */
  readonly child?: string;
  /** True if of several with that name the one farthest below gets it. */
  readonly deepest?: boolean;
  /** An error number with which the call fails. */
  readonly errno?: number;
  /** True if all that follow fail, too. */
  readonly on?: boolean;
  /** Counts only calls about what lies below this directory. */
  readonly below?: string;
  /** Counts only calls of that name, of these or of all. */
  readonly call?: string;
  /** A file for which the program waits at the call. */
  readonly until?: string;
  /** True if calls count from a SIGURG on that the program sends itself. */
  readonly marked?: boolean;
}

/** The program for each identity, built once. */
const built = new Map<string, string>();

function programFor(as: Identity): string {
  const known = built.get(as.scratch);
  if (known !== undefined) return known;
  const source = fileURLToPath(new URL('strike.c', import.meta.url));
  const directory = fs.mkdtempSync(join(tmpdir(), 'wasbox-strike-'));
  const made = join(directory, 'strike');
  execFileSync('cc', ['-O1', '-Wall', '-Werror', '-o', made, source]);
  const place = join(as.scratch, `strike-${process.pid}`);
  fs.copyFileSync(made, place);
  fs.chmodSync(place, 0o755);
  fs.rmSync(directory, { recursive: true });
  built.set(as.scratch, place);
  return place;
}

/** argv that starts a program and strikes it. @param count a file for {@link struckBy} */
export function strikeArgv(
  as: Identity,
  strike: Strike,
  count: string,
  argv: readonly string[],
): string[] {
  const words = Object.entries(strike).flatMap(([name, value]) => {
    if (typeof value === 'boolean') return value ? [`--${name}`] : [];
    return value === undefined ? [] : [`--${name}`, `${value}`];
  });
  return [programFor(as), ...words, '--count', count, '--', ...argv];
}

/** How many calls were counted, and which was struck; undefined if none was. */
export function struckBy(count: string): { readonly calls: number; readonly call?: string } {
  const [, calls = '0', did, call = ''] = /^(\d+) ([01]) (.*)\n/.exec(
    fs.existsSync(count) ? fs.readFileSync(count, 'utf8') : '',
  ) ?? [''];
  return { calls: Number(calls), ...(did === '1' ? { call } : {}) };
}
