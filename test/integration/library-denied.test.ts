/** A result says what was denied without a question, and prints its values. */
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { type RunLibraryOptions, run as start } from '../../src/index.js';
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

test('a result prints its values', async () => {
  const result = await run({ code: 'echo hello' });
  const text = inspect(result);
  expect(text).toContain("stdout: 'hello\\n'");
  expect(text).not.toContain('Getter');
  expect(Object.keys(result)).toContain('report');
});
