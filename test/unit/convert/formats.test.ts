/** Readers of kafel's and seccompiler's formats, held to evaluators of their own. */
import { beforeAll, describe, expect, it } from 'vitest';
import { type ImportFormat, importPolicy } from '../../../src/policy/formats/index.js';
import { init, PolicyError, simulate } from '../../../src/policy/index.js';
import { seedsFor } from '../../support/seeds.js';
import { compare, type Judge } from './compare.js';
import { calls, type Drawn, type DrawnTest, holds, Random, testHolds } from './random-formats.js';

beforeAll(() => init());

const ALLOW = 0x7fff0000;
const KILL_THREAD = 0;
const errno = (value: number) => 0x00050000 + value;

function findings(from: ImportFormat, text: string, more: object = {}) {
  try {
    importPolicy(text, { from, name: 'file', ...more });
  } catch (error) {
    if (error instanceof PolicyError) return error.diagnostics;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** Pieces of the format in any order: no reader may throw anything else, nor take long. */
function survive(from: ImportFormat, pieces: readonly string[]): void {
  const random = new Random(7);
  for (let i = 0; i < 3000; i++) {
    const text = Array.from({ length: random.below(40) }, () => random.pick(pieces)).join(
      random.pick(['', ' ', '\n']),
    );
    try {
      importPolicy(text, { from, includes: { a: text } });
    } catch (error) {
      if (!(error instanceof PolicyError)) throw new Error(`${error} for ${text}`);
      for (const { line, message } of error.diagnostics) {
        expect(line).toBeGreaterThan(0);
        expect(message).not.toBe('');
      }
    }
  }
}

describe('kafel policies', () => {
  const argument = ['first', 'second', 'third', 'fourth', 'fifth'];
  const number = (value: bigint, random: Random) =>
    random.below(2) === 0 ? `${value}` : `0x${value.toString(16)}`;

  function printed(drawn: Drawn, random: Random): string {
    switch (drawn.kind) {
      case 'test': {
        const { arg, mask, op, value } = drawn.test;
        const name = argument[arg] ?? '';
        const left = mask === undefined ? name : `(${name} & ${number(mask, random)})`;
        return `${left} ${op} ${number(value, random)}`;
      }
      case 'not':
        return `!(${printed(drawn.of, random)})`;
      default: {
        const join = drawn.kind === 'and' ? '&&' : '||';
        return `(${printed(drawn.left, random)}) ${join} (${printed(drawn.right, random)})`;
      }
    }
  }

  it('random ones decide as written', () => {
    for (const seed of seedsFor('kafel', 20, 300)) {
      const random = new Random(seed);
      const filters = Array.from({ length: 1 + random.below(4) }, () => {
        const call = random.pick(calls);
        const [word, action] = random.pick([
          ['ALLOW', ALLOW],
          ['ERRNO(7)', errno(7)],
          ['KILL', KILL_THREAD],
        ] as const);
        return { call, word, action, condition: random.condition(call.widths) };
      });
      const lines = filters.map(({ call, word, condition }) => {
        const names = argument.slice(0, call.widths.length).join(', ');
        return `${word} { ${call.name}(${names}) { ${printed(condition, random)} } }`;
      });
      const text = `POLICY p {\n${lines.join('\n')}\n}\nUSE p DEFAULT ERRNO(1)\n`;
      const wanted: Judge = (nr, args) =>
        filters.find(({ call, condition }) => call.nr === nr && holds(condition, args))?.action ??
        errno(1);
      compare('kafel', text, wanted, random);
    }
  });

  it('have constants, includes, several policies and numbers of calls', () => {
    const includes = {
      'io.policy': '#define STDOUT 1\nPOLICY io { ALLOW { read, write { fd == STDOUT } } }',
    };
    const text = `#include "io.policy"
/* two policies */ POLICY more { ERRNO(EACCES) { SYSCALL[165] } // mount
  LOG { socket(d, t) { d == AF_UNIX && (t & 0xf) == SOCK_STREAM } } }
USE io, more DEFAULT KILL_PROCESS`;
    const imported = importPolicy(text, { from: 'kafel', includes }).text;
    const says = (call: string, ...args: (number | string)[]) =>
      simulate({ text: imported }, { call, args }).actionText;
    expect([
      says('read'),
      says('write', 1),
      says('write', 2),
      says('mount'),
      says('socket', 'AF_UNIX', 'SOCK_STREAM|SOCK_CLOEXEC'),
      says('socket', 'AF_INET', 'SOCK_STREAM'),
    ]).toEqual(['allow', 'allow', 'kill_process', 'errno(EACCES)', 'log', 'kill_process']);
  });

  it.each([
    ['POLICY a { ALLOW { read ', 1],
    ['ALLOW { write {\n size == 1 } }', 2],
    ['USE none DEFAULT KILL', 1],
    ['ALLOW { write { fd = 1 } }', 1],
    ['PERHAPS { read }', 1],
    ['ERRNO(5000) { read }', 1],
    [`ALLOW { write { ${'('.repeat(5000)}fd == 1 } }`, 1],
    ['#include "missing"', 1],
  ])('are refused with the place: %j', (text, line) => {
    expect(findings('kafel', text)[0]).toMatchObject({ severity: 'error', line });
  });

  it('include no file in a circle, and are not larger than 1 MiB', () => {
    const includes = { a: '#include "b"', b: '#include "a"' };
    expect(findings('kafel', '#include "a"', { includes })).toMatchObject([
      { code: 'include-cycle', file: 'b' },
    ]);
    expect(findings('kafel', 'ALLOW { read }\n'.repeat(700_000))[0]?.code).toBe('too-large');
  });

  it('in pieces are refused, not tripped over', () => {
    survive('kafel', [
      ...['POLICY', 'p', '{', '}', 'ALLOW', 'ERRNO(1)', 'read', 'write', 'fd', '==', '&&', '||'],
      ...['(', ')', '!', '&', '0x10', '099', 'USE', 'DEFAULT', 'KILL', '#define', '#include "a"'],
      ...[
        ',',
        ';',
        '/*',
        '*/',
        '//',
        '"',
        'SYSCALL[',
        ']',
        '~',
        '\u0000',
        '€',
        '99999999999999999999',
      ],
    ]);
  });
});

describe('seccompiler policies', () => {
  const operators = {
    '==': 'eq',
    '!=': 'ne',
    '<': 'lt',
    '<=': 'le',
    '>': 'gt',
    '>=': 'ge',
  } as const;
  const json = (test: DrawnTest): string => {
    const op =
      test.mask === undefined ? `"${operators[test.op]}"` : `{ "masked_eq": ${test.mask} }`;
    const type = test.width === 32 ? 'dword' : 'qword';
    return `{ "index": ${test.arg}, "type": "${type}", "op": ${op}, "val": ${test.value} }`;
  };

  it('random ones decide as written', () => {
    for (const seed of seedsFor('seccompiler', 20, 300)) {
      const random = new Random(1000 + seed);
      const entries = Array.from({ length: 1 + random.below(5) }, () => {
        const call = random.pick(calls);
        const widths = call.widths.map(() => random.pick([32, 64]));
        const tests = Array.from({ length: 1 + random.below(3) }, (): DrawnTest => {
          const test = random.test(widths);
          return test.mask === undefined ? test : { ...test, op: '==' };
        });
        return { call, tests: random.below(6) === 0 ? undefined : tests };
      });
      const lines = entries.map(({ call, tests }) =>
        tests === undefined
          ? `{ "syscall": "${call.name}" }`
          : `{ "syscall": "${call.name}", "args": [ ${tests.map(json).join(', ')} ] }`,
      );
      const text = `{ "vmm": { "default_action": { "errno": 1 }, "filter_action": "allow", "filter": [\n${lines.join(',\n')} ] } }`;
      const wanted: Judge = (nr, args) => {
        const own = entries.filter(({ call }) => call.nr === nr);
        const conditional = own.filter(({ tests }) => tests !== undefined);
        const hit =
          conditional.length === 0
            ? own.length > 0
            : conditional.some(({ tests }) => tests?.every((test) => testHolds(test, args)));
        return hit ? ALLOW : errno(1);
      };
      compare('seccompiler', text, wanted, random);
    }
  });

  const threads = JSON.stringify({
    vmm: { mismatch_action: 'trap', match_action: 'allow', filter: [{ syscall: 'read' }] },
    vcpu: { mismatch_action: 'trap', match_action: 'log', filter: [{ syscall: 'write' }] },
  });

  it('are chosen by the name of the thread', () => {
    const { text } = importPolicy(threads, { from: 'seccompiler', part: 'vcpu' });
    expect(simulate({ text }, { call: 'write' }).actionText).toBe('log');
    expect(simulate({ text }, { call: 'read' }).actionText).toBe('trap');
    expect(findings('seccompiler', threads)).toMatchObject([
      { code: 'part', hint: 'Choose one with --part: vmm, vcpu.' },
    ]);
    expect(findings('seccompiler', threads, { part: 'api' })[0]?.code).toBe('part');
  });

  const filter = (entry: string) =>
    `{ "a": { "default_action": "trap", "filter_action": "allow",\n"filter": [ ${entry} ] } }`;
  it.each([
    ['', 1],
    ['[1]', 1],
    ['{ "a": 7 }', 1],
    ['{ "a": { "default_action": "say", "filter_action": "allow", "filter": [] } }', 1],
    ['{ "a": { "default_action": {"errno": 4096}, "filter_action": "allow", "filter": [] } }', 1],
    [filter('7'), 2],
    [
      filter(
        '{ "syscall": "read", "args": [ { "index": 6, "type": "dword", "op": "eq", "val": 1 } ] }',
      ),
      2,
    ],
    [
      filter(
        '{ "syscall": "read", "args": [ { "index": 0, "type": "word", "op": "eq", "val": 1 } ] }',
      ),
      2,
    ],
    [
      filter(
        '{ "syscall": "read", "args": [ { "index": 0, "type": "dword", "op": "is", "val": 1 } ] }',
      ),
      2,
    ],
    [
      filter(
        '{ "syscall": "read", "args": [ { "index": 0, "type": "qword", "op": "eq", "val": 18446744073709551616 } ] }',
      ),
      2,
    ],
    ['['.repeat(100_000), 1],
  ])('are refused with the place if they have another shape: %j', (text, line) => {
    expect(findings('seccompiler', text)[0]).toMatchObject({ severity: 'error', line });
  });

  it('in pieces are refused, not tripped over', () => {
    survive('seccompiler', [
      ...['{', '}', '[', ']', ',', ':', '"a"', '"filter"', '"syscall"', '"read"', '"args"', '1'],
      ...['"default_action"', '"filter_action"', '"allow"', '"index"', '-', '1e9', '"op"', '"eq"'],
      ...['null', 'true', '"\\u0000"', '"\\', '\u0000', '184467440737095516160', filter('{}')],
    ]);
  });
});
