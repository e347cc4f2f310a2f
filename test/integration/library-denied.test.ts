/** A result says what was denied without a question, and prints its values. */
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import {
  createPool,
  createSession,
  type RunLibraryOptions,
  spawn,
  run as start,
} from '../../src/index.js';
import { libraryPlace } from '../support/library-place.js';

const { workdir } = libraryPlace('denied');
const run = (options: RunLibraryOptions) => start({ workdir, changes: 'discard', ...options });

const connect =
  'import socket\ntry: socket.create_connection(("192.0.2.1", 443), 2)\nexcept OSError: pass';

describe('denied', () => {
  test('has what the sandbox refused, with the option', async () => {
    const result = await run({ lang: 'python', code: connect });
    expect(result.denied).toEqual([
      expect.objectContaining({
        kind: 'network',
        what: expect.stringContaining('192.0.2.1:443'),
        option: expect.stringContaining('--net 192.0.2.1'),
        count: 1,
      }),
    ]);
    expect(JSON.parse(JSON.stringify(result)).denied).toEqual(result.denied);
  });

  test('has a refused ptrace, of a run and of a program of a session', async () => {
    const code = 'import ctypes\nctypes.CDLL(None).ptrace(16, 1, 0, 0)';
    const traced = [expect.objectContaining({ kind: 'call', option: '--allow ptrace', count: 1 })];
    expect((await run({ lang: 'python', code })).denied).toEqual(traced);
    expect((await run({ lang: 'python', code, allow: ['ptrace'] })).denied).toEqual([]);
    await using session = await createSession({ workdir, changes: 'discard' });
    expect((await session.exec({ lang: 'python', code })).denied).toEqual(traced);
  });

  test('has destinations that rules refuse', async () => {
    const options = {
      lang: 'python',
      code: connect,
      net: ['192.0.2.9:443'],
      changes: 'discard',
    } as const;
    const { denied } = await run(options);
    expect(denied).toMatchObject([{ kind: 'network', what: 'connect 192.0.2.1:443' }]);
  });

  test('is empty where nothing was', async () => {
    expect((await run({ code: 'true' })).denied).toEqual([]);
  });
});

describe('denied of a session’s programs, where nothing is asked', () => {
  test('is what each was refused, once, and none of another’s', async () => {
    await using session = await createSession({ workdir, changes: 'discard' });
    const program = { lang: 'python', code: connect };
    expect((await session.exec(['true'])).denied).toEqual([]);
    for (const _ of ['first', 'second']) {
      const { denied } = await session.exec(program);
      expect(denied).toEqual([
        expect.objectContaining({
          kind: 'network',
          what: expect.stringContaining('192.0.2.1:443'),
          option: expect.stringContaining('--net 192.0.2.1'),
          verdict: 'unasked',
          count: 1,
        }),
      ]);
    }
    const twice = await session.exec({
      ...program,
      code: `for _ in "ab":\n  ${connect.replaceAll('\n', '\n  ')}`,
    });
    expect(twice.denied).toMatchObject([{ kind: 'network', count: 2 }]);
    expect((await session.exec(['true'])).denied).toEqual([]);
  });

  test('counts what another program of the session was refused meanwhile', async () => {
    await using session = await createSession({ workdir, changes: 'discard' });
    const [waited] = await Promise.all([
      session.exec({ lang: 'sh', code: 'while [ ! -e done ]; do sleep 0.01; done' }),
      session.exec({ lang: 'python', code: `${connect}\nopen("done", "w")` }),
    ]);
    expect(waited.denied).toMatchObject([{ kind: 'network', count: 1 }]);
  });

  test('has what the policy refused', async () => {
    await using session = await createSession({ workdir, changes: 'discard' });
    const { denied } = await session.exec({
      lang: 'python',
      code: 'import ctypes\nctypes.CDLL(None).mount(b"x", b"/", b"proc", 0, None)',
    });
    expect(denied).toMatchObject([{ kind: 'call', what: expect.stringContaining('mount') }]);
  });
});

/** Each kind of result that the library gives. */
const results: Readonly<Record<string, () => Promise<object>>> = {
  run: () => run({ code: 'echo hello' }),
  'a run that a limit ends': () => run({ code: 'sleep 60', timeoutMs: 100 }),
  spawn: async () => (await spawn({ code: 'exit 3', workdir })).result,
  exec: async () => {
    await using session = await createSession({ workdir, changes: 'discard' });
    return await session.exec(['echo', 'hello']);
  },
  'a program of a session': async () => {
    await using session = await createSession({ workdir, changes: 'discard' });
    return await (await session.spawn(['true'])).result;
  },
  'a session': async () => (await createSession({ workdir })).close(),
  pool: async () => {
    const pool = await createPool({ lang: 'sh', workdir });
    try {
      return await pool.run('echo hello');
    } finally {
      await pool.close();
    }
  },
  changes: async () => {
    const { kept } = await run({ code: 'echo a > made', changes: 'keep' });
    const [change] = (await kept?.diff()) ?? [];
    await kept?.discard();
    return change ?? {};
  },
  apply: async () => {
    const { kept } = await run({ code: 'echo a > applied', changes: 'keep' });
    return (await kept?.apply()) ?? {};
  },
};

test.each(Object.entries(results))(
  'the result of %s prints its values, and JSON has each',
  async (_, of) => {
    const result = await of();
    expect(Object.keys(result).length).toBeGreaterThan(3);
    expect(inspect(result)).not.toContain('Getter');
    const written = JSON.parse(JSON.stringify(result)) as object;
    expect(Object.keys(written)).toEqual(Object.keys(result));
  },
);

test('a result prints what the program wrote, and null where JSON would lose a field', async () => {
  const result = await run({ code: 'echo hello' });
  expect(inspect(result)).toContain("stdout: 'hello\\n'");
  expect(JSON.parse(JSON.stringify(result))).toMatchObject({ signal: null, exitCode: 0 });
  expect(Object.keys(result)).toContain('report');
});
