/** Ten wrong uses of `wasbox session publish`: each says what is wrong and what to write, and publishes nothing. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSession } from '../../src/index.js';
import { freePort } from '../support/free-port.mjs';
import { ordinaryUser } from '../support/identity.js';
import { libraryPlace } from '../support/library-place.js';
import { makeProject } from '../support/project.js';
import { runWasbox } from '../support/wasbox.js';

const as = ordinaryUser();
const cwd = makeProject(as);
const { workdir } = libraryPlace('publish');
const wasbox = (...words: string[]) => runWasbox(['session', ...words], { as, cwd });
const verb = 'wasbox session publish';
const form = /\n {2}Write 8080 for the same port/;

beforeAll(async () => {
  await wasbox('start', '--name', 'dev');
});
afterAll(async () => {
  await runWasbox(['stop', 'dev'], { as, cwd });
});

const table: readonly (readonly [words: readonly string[], names: string, hint: RegExp])[] = [
  [['dev', '0'], `${verb} "0": invalid port`, form],
  [['dev', '70000'], `${verb} "70000": invalid port`, form],
  [['dev', 'http'], `${verb} "http": invalid format`, form],
  [['dev', ''], `${verb} "": invalid format`, form],
  [['dev', '8080:'], `${verb} "8080:": invalid format`, form],
  [['dev', 'localhost:8080:80'], `${verb} "localhost:8080:80"`, form],
  [['dev', '8080/udp'], `${verb} "8080/udp"`, form],
  [['dev', '80'], `${verb}: can't bind port 80`, /Use another: 8080:80/],
  [['nosuch', '8080'], 'no session "nosuch"', /wasbox session ls/],
  [['dev', '8080', '9090'], 'unexpected argument "9090"', /Usage: wasbox session/],
];

describe('wasbox session publish', () => {
  test('has ten wrong uses here', () => expect(table).toHaveLength(10));

  test.each(table)('%j is told', async (words, names, hint) => {
    const { status, out, err } = await wasbox('publish', ...words);
    expect([[1, 2].includes(status ?? 0), out]).toEqual([true, '']);
    expect(err).toContain(`wasbox: ${names}`.replace(/^wasbox: unexpected/, 'unexpected'));
    expect(err).toMatch(hint);
    expect(err).not.toMatch(/--publish/);
    expect((await wasbox('publish', 'dev')).out).toBe('No port is published.\n');
  });

  test('is told of a port that is taken, and published once', async () => {
    const port = String(await freePort());
    expect((await wasbox('publish', 'dev', port)).status).toBe(0);
    const again = await wasbox('publish', 'dev', port);
    expect([again.status, again.err]).toEqual([2, expect.stringContaining('in use')]);
    expect((await wasbox('publish', 'dev')).out.match(/leads to/g)).toHaveLength(1);
    await wasbox('unpublish', 'dev', port);
  });
});

test('session.publish names itself, not an option', async () => {
  await using session = await createSession({ workdir, changes: 'discard' });
  await expect(session.publish('http')).rejects.toMatchObject({
    code: 'ERR_OPTION_VALUE',
    message: 'session.publish "http": invalid format',
  });
});
