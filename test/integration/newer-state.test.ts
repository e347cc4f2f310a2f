/**
 * An older wasbox beside runs that a newer one saved: it names them, and no command of it touches them. `npm run
 * nightly -- upgrade` does it with two builds.
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { ordinaryUser } from '../support/identity.js';
import { makeProject } from '../support/project.js';
import { nodeArgv, runProgram, wasboxArgv } from '../support/wasbox.js';

const as = ordinaryUser();

/** Names, kinds, modes, times and contents of all files below. */
const fingerprint = (path: string): string =>
  execFileSync(
    'sh',
    ['-c', 'tar --sort=name -C "$1" -cf - . 2>/dev/null | sha256sum', 'sh', path],
    {
      encoding: 'utf8',
    },
  );

const ways = {
  'the command': (args: readonly string[]) => wasboxArgv(as, args),
  'the command in Node': (args: readonly string[]) => nodeArgv(as, args),
};

describe.each(Object.entries(ways))('%s, beside runs of a newer version', (_name, argvOf) => {
  const cwd = makeProject(as, { kept: 'kept\n' });
  const state = `${cwd}.state`;
  const wasbox = (...args: string[]) =>
    runProgram(argvOf(args), { as, cwd, env: { XDG_STATE_HOME: state, NO_COLOR: '1' } });
  const save = async (name: string): Promise<string> => {
    const run = await wasbox('run', '-q', '--', 'sh', '-c', `echo ${name} > ${name}; rm -f kept`);
    expect([run.err, run.status]).toEqual(['', 0]);
    return fs.readdirSync(join(state, 'wasbox/saved')).sort().at(-1) ?? '';
  };
  let own = '';
  let newer = '';
  let directory = '';
  let before = '';

  beforeAll(async () => {
    own = await save('own');
    newer = await save('newer');
    directory = join(state, 'wasbox/saved', newer);
    const path = join(directory, 'run.json');
    const entry = JSON.parse(fs.readFileSync(path, 'utf8'));
    const { workdir, argv, ...rest } = entry;
    const changed = { ...rest, schemaVersion: 2, where: workdir, words: { list: argv } };
    fs.writeFileSync(path, JSON.stringify(changed));
    before = fingerprint(directory);
  });

  const isNamed = `run ID is a newer version's: use that one to review it`;

  test('runs names it, and lists the others', async () => {
    const { out, err, status } = await wasbox('runs');
    expect(err).toBe(`wasbox: ${isNamed.replace('ID', newer)}\n`);
    expect([out.includes(own), out.includes(newer), status]).toEqual([true, false, 0]);
    const { runs } = JSON.parse((await wasbox('runs', '--json')).out);
    expect(runs.map(({ id }: { id: string }) => id)).toEqual([own]);
  });

  test('diff shows the latest that it can read, and says that a later one is there', async () => {
    const { out, err, status } = await wasbox('diff');
    expect(err).toContain(isNamed.replace('ID', newer));
    expect([out.includes('+own'), status]).toEqual([true, 0]);
  });

  test.each(['diff', 'apply'])('%s of it is refused', async (verb) => {
    const { out, err, status } = await wasbox(verb, newer);
    expect(err).toContain(`Run ${newer} was saved by a newer version of wasbox.`);
    expect([out, status]).toEqual(['', 1]);
    expect(fs.existsSync(join(cwd, 'kept'))).toBe(true);
  });

  test('discard leaves it, by its ID and with the others', async () => {
    const said = `wasbox: run ${newer} was not discarded: it is a newer version's. Use that one to discard it\n`;
    const named = await wasbox('discard', newer);
    expect([named.out, named.err, named.status]).toEqual(['', said, 1]);
    const all = await wasbox('discard', '--all');
    expect([all.err, all.status]).toEqual([said, 1]);
    expect(all.out).toContain(`discarded ${own} `);
    expect(fs.readdirSync(join(state, 'wasbox/saved'))).toEqual([newer]);
  });

  test('it is as it was, also where other runs are made and killed beside it', async () => {
    await save('another');
    expect((await wasbox('run', '-q', '--discard', '--', 'true')).status).toBe(0);
    expect((await wasbox('ps')).status).toBe(0);
    expect(fingerprint(directory)).toBe(before);
  });
});
