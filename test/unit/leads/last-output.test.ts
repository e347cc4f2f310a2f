/** Tests what is read from the end of a program's output: names in forms that are known, in time whatever is written. */
import { describe, expect, test } from 'vitest';
import { lastOutputOf } from '../../../src/leads/last-output.js';

const read = (text: string) => lastOutputOf(Buffer.from(text, 'latin1'));

describe('the last output of a program', () => {
  test.each([
    ["ModuleNotFoundError: No module named 'requests'", 'Python', 'import requests'],
    ['/usr/bin/python3: No module named flask', 'Python', 'import flask'],
    ["No module named 'google.cloud'", 'Python', 'import google'],
    ["Error: Cannot find module 'chalk'", 'Node', "require('chalk')"],
    ["Cannot find package '@scope/part' imported from /x.mjs", 'Node', "require('@scope/part')"],
    ["Cannot find module 'lodash/fp'", 'Node', "require('lodash')"],
    ['cannot load such file -- nokogiri (LoadError)', 'Ruby', "require 'nokogiri'"],
  ] as const)('names a module that was not found: %s', (text, language, code) => {
    expect(read(`x\n${text}\n`).imports[language]).toEqual([code]);
  });

  test.each([
    "Cannot find module './own'",
    "Cannot find module '/tmp/own.js'",
    "Cannot find module '../own'",
    'No module named $(touch x)',
    'No module named --index-url',
    "No module named '; rm -r ~'",
    "Cannot find package '--registry=http://x'",
    "Cannot find package 'a b'",
    "Cannot find package '$(id)'",
    'cannot load such file -- ./own',
    'cannot load such file -- /tmp/own',
    'cannot load such file -- --help',
    `No module named ${'a'.repeat(101)}`,
  ])('names no module by what is no name of a package: %s', (text) => {
    expect(read(text).imports).toEqual({ Python: [], Node: [], Ruby: [] });
  });

  test.each([
    ['connect ECONNREFUSED 127.0.0.1:5432', 5432],
    [
      'psql: error: connection to server at "localhost" (127.0.0.1), port 5432 failed: Connection refused',
      5432,
    ],
    ['Could not connect to Redis at 127.0.0.1:6379: Connection refused', 6379],
    ["HTTPConnectionPool(host='localhost', port=8080): Connection refused", 8080],
    ["curl: (7) Failed to connect to localhost port 8080: Couldn't connect to server", 8080],
    ['dial tcp [::1]:9000: connect: connection refused', 9000],
    ["ERROR 2003: Can't connect to MySQL server on '127.0.0.1:3306' (111)", 3306],
  ])('names a port where a connection was refused: %s', (text, port) => {
    expect(read(text).ports).toEqual([port]);
  });

  test.each([
    'Listening on http://localhost:5000',
    'connect ECONNREFUSED 10.0.0.1:5432',
    'connect ECONNREFUSED 1127.0.0.1:5432',
    'connect ECONNREFUSED 127.0.0.1:99999',
    'connect ECONNREFUSED 127.0.0.1:0',
    'localhost:5000\nConnection refused',
  ])('names no port by: %s', (text) => {
    expect(read(text).ports).toEqual([]);
  });

  test('has words between colours, and no more names than a person would read', () => {
    expect(read('\u001b[31mAPI_KEY\u001b[0m').words.has('API_KEY')).toBe(true);
    const many = Array.from({ length: 5000 }, (_, i) => `No module named a${i}\n`).join('');
    expect(read(many).imports.Python).toHaveLength(12);
  });

  test.each([
    'localhost (',
    'localhost"\')',
    'localhost port ',
    'No module named a',
    "Cannot find module '@a/",
    "Cannot find package '@",
    'cannot load such file -- a/',
    '\u001b[',
    '\u001b[1;',
    '1',
    'a',
    '::1]',
    'could not connect refused localhost',
    '\n',
    '\0',
    '\xff',
  ])('is read in time if it is full of %j', (piece) => {
    const whole = piece.repeat(4_000_000 / piece.length);
    const texts = [whole, `refused ${whole}`, `${whole.replaceAll('\n', '')}refused`];
    const before = process.cpuUsage();
    for (const text of texts) read(text);
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(1);
  });

  test.each([
    ["OSError: [Errno 24] Too many open files: '/dev/null'", 'open-files'],
    ["Error: EMFILE: too many open files, open '/x'", 'open-files'],
    ['sh: 0: Cannot fork', 'pids'],
    ['bash: fork: retry: Resource temporarily unavailable', 'pids'],
    ["RuntimeError: can't start new thread", 'pids'],
    ['BlockingIOError: [Errno 11] Resource temporarily unavailable', 'pids'],
    ['pthread_create failed: Resource temporarily unavailable', 'pids'],
    ['Error: spawn /bin/true EAGAIN', 'pids'],
  ] as const)('names the limit that refused more: %s', (text, limit) => {
    expect([...read(text).limits]).toEqual([limit]);
  });

  test.each([
    'too few open files',
    'read: Resource temporarily unavailable',
    'fork me on GitHub',
    'I cannot thread a needle',
    'EAGAIN',
    'spawn ls ENOENT',
  ])('names no limit by: %s', (text) => {
    expect([...read(text).limits]).toEqual([]);
  });
});
