/**
 * Ordinary programs run unmodified: each row runs outside and inside, from the same files in the
 * same place, and stdout, stderr, exit status and the files left behind are compared byte by byte.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { listTree } from '../support/host.js';
import { type Identity, identities } from '../support/identity.js';
import { makeProject, writeFiles } from '../support/project.js';
import { type Ended, runProgram, runWasbox } from '../support/wasbox.js';
import { type Program, programs } from './programs/index.js';

/** By hand, with `WASBOX_TEST_ISOLATION=landlock`: how many behave as outside there (docs/pages/guide/containers.md). */
const { WASBOX_TEST_ISOLATION: isolation } = process.env;
const chosen = isolation === undefined ? [] : ['--isolation', isolation];

const identical = new Map<string, number>();

/** The same files with the same times, whatever an earlier run left there. */
function reset(as: Identity, directory: string, program: Program): void {
  for (const name of fs.readdirSync(directory)) {
    fs.rmSync(join(directory, name), { recursive: true, force: true });
  }
  writeFiles(as, directory, program.files ?? {});
  for (const entry of listTree(directory)) {
    fs.utimesSync(join(directory, entry.path), 1_700_000_000, 1_700_000_000);
  }
}

/** What a run is judged by, as one text, so that a difference reads well. */
const outcome = (status: number | null, run: Ended): string =>
  `status ${status}\n--- stdout\n${run.stdout.toString('latin1')}--- stderr\n${run.stderr.toString('latin1')}`;

/** Not comparable: databases and archives of caches hold times; their presence is compared. */
const timed = /(^|\/)(__pycache__|.*\.db|.*\.tgz|a\.gz|b\.gz)$/;

const files = (directory: string) =>
  listTree(directory).map((one) => (timed.test(one.path) ? { ...one, content: 'any' } : one));

describe.each(identities())('programs as $label', (as) => {
  test.concurrent.each(programs)('$name', async (program) => {
    const directory = makeProject(as, {}, 'program');
    const options = { as, cwd: directory, stdin: program.stdin, env: program.env };
    reset(as, directory, program);
    const outside = await runProgram(program.control ?? program.argv, options);
    const filesOutside = files(directory);

    const variables = Object.entries(program.env ?? {}).flatMap(([name, value]) => [
      '--env',
      `${name}=${value}`,
    ]);
    reset(as, directory, program);
    const args = [
      '-q',
      '--apply',
      ...chosen,
      ...variables,
      ...(program.options ?? []),
      '--',
      ...program.argv,
    ];
    const inside = await runWasbox(['run', ...args], options);

    if (program.refused !== undefined) {
      expect(outside.status, outside.err).toBe(0);
      expect(inside.status, inside.err).toBeGreaterThan(0);
      expect(inside.status, inside.err).toBeLessThan(124);
      expect(inside.out + inside.err).toMatch(program.refused);
    } else {
      expect(outside.signal === null ? outside.status : signalStatus(outside), outside.err).toBe(
        program.status ?? 0,
      );
      if (program.prints !== undefined) expect(outside.out).toMatch(program.prints);
      expect(outcome(inside.status, inside)).toBe(outcome(program.status ?? 0, outside));
      // Changes are applied if a run exits 0, and saved otherwise.
      if (inside.status === 0) {
        expect(files(directory)).toEqual(filesOutside);
        const names = filesOutside.map((one) => one.path);
        for (const name of program.writes ?? []) expect(names).toContain(name);
      }
    }
    identical.set(as.label, (identical.get(as.label) ?? 0) + 1);
  });

  afterAll(() => {
    const done = identical.get(as.label) ?? 0;
    console.log(`programs as ${as.label}: ${done} of ${programs.length} as expected`);
  });
});

function signalStatus(run: Ended): number {
  const numbers: Partial<Record<NodeJS.Signals, number>> = { SIGTERM: 143, SIGINT: 130 };
  return run.signal === null ? 0 : (numbers[run.signal] ?? 0);
}
