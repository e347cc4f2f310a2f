/**
 * A run, a task of a pool, a program of a session and a job of a queue that are given the same program and limits end in
 * the same words. The user who runs the tests runs them. Needs: user namespaces, overlayfs in them, python3; valkey-server for jobs.
 */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Server } from '../fleet/harness.mjs';
import { calls, endings, endless } from '../support/ending-cases.js';
import { tellJob } from '../support/ending-jobs.js';
import { type Told, ways } from '../support/endings.js';
import { libraryPlace } from '../support/library-place.js';

const { workdir } = libraryPlace('same-words');

const { 'run()': plain, ...others } = ways;
if (plain === undefined) throw new TypeError('run() is a way');

describe.each(Object.entries({ ...endings, ...endless }))('%s', (_, given) => {
  test('ends in the same words, however it is run', async () => {
    const told: Record<string, Told> = {};
    const expected = await plain(given, workdir);
    for (const [name, way] of Object.entries(others)) told[name] = await way(given, workdir);
    expect(told).toEqual(Object.fromEntries(Object.keys(others).map((name) => [name, expected])));
  });
});

describe.each(Object.entries(calls))('%s', (_, given) => {
  test('ends in the same words where output is collected', async () => {
    const expected = await plain(given, workdir);
    for (const name of ['pool.run()', 'session.exec()']) {
      expect({ [name]: await ways[name]?.(given, workdir) }).toEqual({ [name]: expected });
    }
  });
});

describe('a job of a queue', () => {
  const directory = fs.mkdtempSync(join(tmpdir(), 'wasbox-words-'));
  const server = new Server(directory);
  beforeAll(() => server.start());
  afterAll(async () => {
    await server.stop();
    fs.rmSync(directory, { recursive: true, force: true });
  });

  test.each(Object.entries(endings))('ends %s in the same words', async (_, given) => {
    const told = await tellJob(server.socket, join(directory, 'jobs'), given);
    expect(told).toEqual(await plain(given, workdir));
  });
});
