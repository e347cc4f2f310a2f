/**
 * Programs of the table in `programs` that lack a file: it lies in a directory that a run hides. Outside they work;
 * inside, `wasbox why` names the file first, and what it advises makes the program do what it does outside.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { identities } from '../support/identity.js';
import { makeProject, writeFiles } from '../support/project.js';
import { runProgram, runWasbox } from '../support/wasbox.js';
import { type Program, programs } from './programs/index.js';

interface Lacking {
  readonly name: string;
  readonly program: Program;
  /** The file that is elsewhere. */
  readonly file: string;
  /** The command, with that file by its path. */
  readonly argvWith: (path: string) => string[];
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Rows whose command names one of its files, once. */
function lacking(program: Program): Lacking[] {
  const { name, argv, files = {}, refused, control, options, status = 0 } = program;
  if (refused !== undefined || control !== undefined || options !== undefined || status > 0) {
    return [];
  }
  for (const file of Object.keys(files)) {
    const word = new RegExp(`(?<![\\w./$"'*-])${escaped(file)}(?![\\w./"'*-])`, 'g');
    if (argv.join('\n').match(word)?.length !== 1) continue;
    const argvWith = (path: string) => argv.map((one) => one.replace(word, path));
    return [{ name, program, file, argvWith }];
  }
  return [];
}

/** These write to the file, which --ro does not give, or mean a member of an archive by its name. */
const others = [
  'git init, commit, log, branch, merge',
  'cp, mv, rm, mkdir, ln in depth',
  'tar with compressors',
];
const rows = programs.flatMap(lacking).filter(({ name }) => !others.includes(name));

test('they are at least 20', () => {
  expect(rows.length).toBeGreaterThanOrEqual(20);
});

describe.each(identities())('wasbox why as $label', (as) => {
  test.concurrent.each(rows)(
    'finds what is lacking: $name',
    async ({ program, file, argvWith }) => {
      const { files = {}, env = {}, stdin } = program;
      const { [file]: content = '', ...rest } = files;
      const path = join(makeProject(as, { [file]: content }), file);
      const argv = argvWith(path);
      const cwd = makeProject(as, rest, 'program');
      const start = { as, cwd, env, stdin };
      const variables = Object.entries(env).flatMap(([name, value]) => [
        '--env',
        `${name}=${value}`,
      ]);
      const outside = await runProgram(argv, start);
      expect(outside.status, outside.err).toBe(0);
      for (const name of readdirSync(cwd)) rmSync(join(cwd, name), { recursive: true });
      writeFiles(as, cwd, rest);
      const inside = await runWasbox(['run', '--discard', ...variables, '--', ...argv], start);
      expect([inside.status, inside.out]).not.toEqual([0, outside.out]);
      const asked = await runWasbox(['why', '--rerun', '--json'], start);
      const { lacks } = JSON.parse(asked.out) as { lacks: { kind: string; option?: string }[] };
      expect(lacks[0]).toMatchObject({ kind: 'file', option: `--ro ${path}` });
      const again = [...variables, '--ro', path, '--', ...argv];
      const given = await runWasbox(['run', '--discard', ...again], start);
      expect([given.status, given.out], given.err).toEqual([0, outside.out]);
    },
  );
});
