/**
 * Ordinary programs run unmodified: each row runs outside, in namespaces and with Landlock isolation, from the same
 * files in the same place, and stdout, stderr, exit status and the files left behind are compared byte by byte. A row
 * that says why it cannot work with Landlock fails where it works, so that the reasons stay true.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { listTree } from '../support/host.js';
import { type Identity, identities, stateOf } from '../support/identity.js';
import { pass } from '../support/packages.mjs';
import { makeProject, writeFiles } from '../support/project.js';
import { type Ended, runProgram, runWasbox } from '../support/wasbox.js';
import { otherwiseWithLandlock, type Program, programs } from './programs/index.js';

const isolations = ['namespaces', 'landlock'] as const;
type Isolation = (typeof isolations)[number];

/** How many ended as expected. */
const counts = new Map<string, number>();

/** Makes the same files with the same times, whatever an earlier run left there. */
function reset(as: Identity, directory: string, program: Program): void {
  for (const name of fs.readdirSync(directory)) {
    fs.rmSync(join(directory, name), { recursive: true, force: true });
  }
  writeFiles(as, directory, program.files ?? {});
  for (const entry of listTree(directory)) {
    fs.utimesSync(join(directory, entry.path), 1_700_000_000, 1_700_000_000);
  }
}

/** Returns what a run is judged by, as one text, so that a difference reads well. */
const outcome = (status: number | null, run: Ended): string =>
  `status ${status}\n--- stdout\n${run.stdout.toString('latin1')}--- stderr\n${run.stderr.toString('latin1')}`;

/** These cannot be compared: databases and archives of caches hold times; their presence is compared. */
const timed = /(^|\/)(__pycache__|.*\.db|.*\.tgz|a\.gz|b\.gz)$/;

const files = (directory: string) =>
  listTree(directory).map((one) => (timed.test(one.path) ? { ...one, content: 'any' } : one));

/** The private root of a run with Landlock isolation (docs/pages/guide/containers.md), whose places have other names. */
const ownPlaces = (as: Identity): RegExp =>
  new RegExp(
    String.raw`(?:${stateOf(as)}/wasbox/runs/\w+/live|/(?:var/)?tmp/wasbox-\w{6})/(copy0|home)`,
    'g',
  );

/** Returns what ran inside, with the names of its places outside. */
function renamed(as: Identity, directory: string, run: Ended): Ended {
  const rename = (stream: Buffer) =>
    Buffer.from(
      stream
        .toString('latin1')
        .replaceAll(ownPlaces(as), (_, place) => (place === 'home' ? as.home : directory)),
      'latin1',
    );
  return { ...run, stdout: rename(run.stdout), stderr: rename(run.stderr) };
}

const reasonOf = ({ name }: Program, isolation: Isolation): string | undefined =>
  isolation === 'landlock' ? otherwiseWithLandlock[name] : undefined;

/** The arguments of the same program inside. */
function runArguments(program: Program, isolation: Isolation): string[] {
  const variables = Object.entries(program.env ?? {}).map(([name, value]) => `${name}=${value}`);
  return [
    ...['run', '-q', '--apply'],
    ...(isolation === 'namespaces' ? [] : ['--isolation', isolation]),
    // Some would wait long for what they lack.
    ...(reasonOf(program, isolation) === undefined ? [] : ['--timeout', '5s']),
    ...variables.flatMap((variable) => ['--env', variable]),
    ...(program.options ?? []),
    ...['--', ...program.argv],
  ];
}

/** Programs whose purpose the sandbox forbids end by themselves, and say why. */
function expectRefused(program: Program, inside: Ended): void {
  expect(inside.status, inside.err).toBeGreaterThan(0);
  expect(inside.status, inside.err).toBeLessThan(124);
  expect(inside.out + inside.err).toMatch(program.refused ?? /./);
}

test('the documentation says how many behave otherwise with Landlock isolation', () => {
  const names = programs.map(({ name }) => name);
  const otherwise = Object.keys(otherwiseWithLandlock);
  expect(names).toEqual(expect.arrayContaining(otherwise));
  const page = fs.readFileSync(
    new URL('../../docs/pages/guide/containers.md', import.meta.url),
    'utf8',
  );
  expect(page).toContain(
    `Of the ${names.length} programs of the compatibility tests, ${names.length - otherwise.length} behave`,
  );
});

describe.each(identities())('programs as $label', (as) => {
  // CI runs every third as root; the ordinary user runs all of them.
  const rows = programs.filter((_, i) => pass !== 'root' || i % 3 === 0);
  test.concurrent.each(rows)('$name', async (program) => {
    const directory = makeProject(as, {}, 'program');
    const options = { as, cwd: directory, stdin: program.stdin, env: program.env };
    reset(as, directory, program);
    const outside = await runProgram(program.control ?? program.argv, options);
    const filesOutside = files(directory);
    const status = program.refused === undefined ? (program.status ?? 0) : 0;
    expect(outside.signal === null ? outside.status : signalStatus(outside), outside.err).toBe(
      status,
    );
    if (program.prints !== undefined) expect(outside.out).toMatch(program.prints);
    const names = filesOutside.map((one) => one.path);
    for (const name of program.writes ?? []) expect(names).toContain(name);

    for (const isolation of isolations) {
      reset(as, directory, program);
      const inside = await runWasbox(runArguments(program, isolation), options);
      const behaves = () => {
        if (program.refused !== undefined) return expectRefused(program, inside);
        const run = isolation === 'landlock' ? renamed(as, directory, inside) : inside;
        expect(outcome(run.status, run)).toBe(outcome(program.unapplied ? 3 : status, outside));
        // Changes are applied if a run exits 0, and saved otherwise.
        if (inside.status === 0) expect(files(directory)).toEqual(filesOutside);
      };
      const reason = reasonOf(program, isolation);
      if (reason === undefined) behaves();
      else expect(behaves, `listed as not working with Landlock: ${reason}`).toThrow();
      const key = `${isolation} as ${as.label}`;
      if (reason === undefined) counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  });

  afterAll(() => {
    for (const isolation of isolations) {
      const done = counts.get(`${isolation} as ${as.label}`) ?? 0;
      console.log(`programs with ${isolation} as ${as.label}: ${done} of ${programs.length}`);
    }
  });
});

function signalStatus(run: Ended): number {
  const numbers: Partial<Record<NodeJS.Signals, number>> = { SIGTERM: 143, SIGINT: 130 };
  return run.signal === null ? 0 : (numbers[run.signal] ?? 0);
}
