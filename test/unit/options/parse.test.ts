import { describe, expect, it } from 'vitest';
import { WasboxError } from '../../../src/errors/index.js';
import { foreignHints } from '../../../src/options/foreign-options.js';
import { parseLine, parseRunArguments } from '../../../src/options/parse.js';
import type { OptionEntry } from '../../../src/options/table.js';
import { plannedOptions, runOptionTable } from '../../../src/options/table.js';

function failure(...argv: string[]): WasboxError {
  try {
    parseRunArguments(argv);
  } catch (error) {
    if (error instanceof WasboxError) return error;
    throw error;
  }
  throw new Error(`accepted: ${argv.join(' ')}`);
}

describe('the command line of run', () => {
  it('ends options at the first operand', () => {
    const line = parseRunArguments(['--net', 'host', 'script.py', '--net', 'none', '-q']);
    expect(line).toEqual({ net: 'host', command: 'script.py', args: ['--net', 'none', '-q'] });
  });

  it('ends options at --', () => {
    expect(parseRunArguments(['-q', '--', '-x', '--', 'a'])).toEqual({
      quiet: true,
      command: '-x',
      args: ['--', 'a'],
    });
  });

  it('takes - as the script on stdin', () => {
    expect(parseRunArguments(['-', 'a'])).toEqual({ command: '-', args: ['a'] });
  });

  it('takes all operands as arguments of -c', () => {
    expect(parseRunArguments(['--lang', 'python', '-c', 'print(1)', 'a', '-c'])).toEqual({
      lang: 'python',
      code: 'print(1)',
      args: ['a', '-c'],
    });
  });

  it.each([
    [['--timeout', '30s'], { timeoutMs: 30_000 }],
    [['--timeout=1m30s'], { timeoutMs: 90_000 }],
    [['--timeout', '90'], { timeoutMs: 90_000 }],
    [['--timeout', '0.5'], { timeoutMs: 500 }],
    [['--timeout', '250ms'], { timeoutMs: 250 }],
    [['--timeout', '1ms'], { timeoutMs: 1 }],
    [['--pids=7'], { pids: 7 }],
    [['-qv'], { quiet: true, verbose: true }],
    [['-cecho'], { code: 'echo', args: [] }],
    [['--ro', 'a', '--ro=b:/c'], { ro: ['a', 'b:/c'] }],
    [['--env', 'A', '--env', 'B=x=y', '--env', 'C='], { env: { A: true, B: 'x=y', C: '' } }],
    [['--apply', '--apply'], { changes: 'apply' }],
    [['--report', '3'], { report: 3 }],
    [['--report', './3'], { report: './3' }],
    [['--dry-run', '--json', '--root'], { dryRun: true, json: true, root: true }],
  ])('reads %j', (argv, expected) => {
    expect(parseRunArguments(argv)).toEqual(expected);
  });

  it('accepts the earlier name of an option with a warning, once', () => {
    const warnings: string[] = [];
    const parse = (...argv: string[]) => parseRunArguments(argv, (text) => warnings.push(text));
    expect(parse('--output', '1M', 'x')).toEqual(parse('--max-output=1M', 'x'));
    expect(warnings).toEqual(['--output is now --max-output']);
    expect(() => parse('--output', '1M', '--max-output', '1M', 'x')).toThrow('more than once');
  });

  it('lets --help win over what follows it', () => {
    expect(parseRunArguments(['--help', '--bogus'])).toEqual({ help: true });
  });

  it.each([
    [['--tiemout', '3s', 'x'], 'ERR_OPTION_UNKNOWN', '--timeout'],
    [['--bogus-option', 'x'], 'ERR_OPTION_UNKNOWN', '--help'],
    [['-z'], 'ERR_OPTION_UNKNOWN', '--help'],
    [['-net', 'host'], 'ERR_OPTION_UNKNOWN', '--net'],
    [['--net', 'hots', 'x'], 'ERR_OPTION_VALUE', 'host'],
    [['--net', 'example.com:70000', 'x'], 'ERR_OPTION_VALUE', '65535'],
    [['--timeout', '30x', 'x'], 'ERR_OPTION_VALUE', '30s'],
    [['--timeout', '30s1m', 'x'], 'ERR_OPTION_VALUE', '30s'],
    [['--timeout', '-1', 'x'], 'ERR_OPTION_VALUE', '30s'],
    [['--timeout', '0', 'x'], 'ERR_OPTION_VALUE', 'no limit'],
    [['--timeout', '9999d', 'x'], 'ERR_OPTION_VALUE', 'no limit'],
    [['--pids', '0'], 'ERR_OPTION_VALUE', '512'],
    [['--pids', '1e3'], 'ERR_OPTION_VALUE', '512'],
    [['--pids', ''], 'ERR_OPTION_VALUE', '512'],
    [['--workdir'], 'ERR_OPTION_VALUE', '--workdir DIR'],
    [['--workdir', ''], 'ERR_OPTION_VALUE', '--workdir PATH'],
    [['--env', '=x'], 'ERR_OPTION_VALUE', 'NAME=VALUE'],
    [['--quiet=yes'], 'ERR_OPTION_VALUE', '--quiet alone'],
    [['--apply', '--discard'], 'ERR_USAGE', 'one of them'],
    [['--net', 'none', '--net', 'none'], 'ERR_USAGE', 'once'],
    [['--report', '0'], 'ERR_OPTION_VALUE', './0'],
    [['--hide', 'a\0b'], 'ERR_OPTION_VALUE', 'Remove'],
  ])('refuses %j with %s', (argv, code, hint) => {
    const error = failure(...argv);
    expect(error.code).toBe(code);
    expect(error.exitStatus).toBe(125);
    expect(error.hint).toContain(hint);
  });

  it.each(plannedOptions)('does not ignore --%s, which is still to come', (name) => {
    const error = failure(`--${name}`, 'x', 'script.py');
    expect(error.code).toBe('ERR_OPTION_UNKNOWN');
    expect(error.message).toContain('not available in this version');
    expect(runOptionTable.some((entry) => entry.name === name)).toBe(false);
  });
});

describe('properties of the parser', () => {
  const table: readonly OptionEntry[] = runOptionTable;
  const sample: Readonly<Record<string, string>> = {
    text: 'word',
    path: 'dir/x',
    mapping: 'a:/b',
    integer: '12',
    duration: '5s',
    size: '64M',
    variable: 'N=v',
    sink: 'out.json',
    network: 'example.com:443',
  };
  const withValue = table.filter((entry) => entry.kind !== 'flag');

  it.each(withValue.map((entry) => [entry.name, entry] as const))(
    '--%s VALUE equals --NAME=VALUE',
    (name, entry) => {
      const ofId = entry.valueLike === undefined ? undefined : '0dkz5emhx';
      const value = ofId ?? entry.choices?.[0] ?? sample[entry.kind] ?? '';
      expect(parseRunArguments([`--${name}=${value}`, 'x'])).toEqual(
        parseRunArguments([`--${name}`, value, 'x']),
      );
    },
  );

  it('never loses or changes what follows the operand', () => {
    let state = 12345;
    const next = (below: number) => {
      state = (state * 1103515245 + 12345) % 2147483648;
      return state % below;
    };
    const words = ['--', '-', '-q', '--net', 'host', '', 'a b', '--ro=x', 'é', '\n', '-c'];
    for (let round = 0; round < 500; round++) {
      const rest = Array.from({ length: next(6) }, () => words[next(words.length)] ?? '');
      const line = parseRunArguments(['--pids', '3', 'script', ...rest]);
      expect(line).toEqual({ pids: 3, command: 'script', args: rest });
    }
  });

  it('either parses or throws a typed error, whatever the words are', () => {
    let state = 99;
    const next = (below: number) => {
      state = (state * 1103515245 + 12345) % 2147483648;
      return state % below;
    };
    const pieces = ['-', '--', '=', 'net', 'c', 'q', '\u{1f600}', ' ', 'timeout', '5s', ':', '\\'];
    for (let round = 0; round < 2000; round++) {
      const argv = Array.from({ length: next(5) }, () =>
        Array.from({ length: next(5) }, () => pieces[next(pieces.length)]).join(''),
      );
      try {
        parseRunArguments(argv);
      } catch (error) {
        expect(error).toBeInstanceOf(WasboxError);
      }
    }
  });

  it('cannot be tricked into a prototype', () => {
    const line = parseRunArguments(['--env', '__proto__=x', 'y']);
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
    expect(Object.keys(line.env ?? {})).toEqual(['__proto__']);
    expect(failure('--__proto__', 'x').code).toBe('ERR_OPTION_UNKNOWN');
    expect(failure('--constructor=x').code).toBe('ERR_OPTION_UNKNOWN');
  });

  it('takes options anywhere where operands do not end them', () => {
    const line = parseLine(table, ['a', '-q', 'b', '--', '-v'], {
      command: 'wasbox diff',
      stopAtOperand: false,
    });
    expect(line).toEqual({ values: { quiet: true }, operands: ['a', 'b', '-v'] });
  });

  it('has no two options with the same name or letter', () => {
    const names = table.map((entry) => entry.name);
    const letters = table.flatMap((entry) => entry.short ?? []);
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(letters).size).toBe(letters.length);
  });
});

describe('options of other tools', () => {
  it.each([
    ['--network', '--net internet'],
    ['--rm', '--discard'],
    ['-it', 'terminal'],
    ['-i', 'terminal'],
    ['-e', '--env NAME=VALUE'],
    ['-w', '--workdir DIR'],
    ['-p', '--publish PORT'],
    ['-u', 'never runs as root'],
    ['--volume', '--ro PATH[:DEST]'],
    ['--bind', '--rw PATH[:DEST]'],
    ['--ro-bind', '--ro PATH[:DEST]'],
    ['--unshare-all', 'every run is isolated'],
    ['--allow-net', '--net example.org:443'],
    ['--allow-read', '--ro PATH'],
    ['--allow-all', '--allow'],
    ['--pids-limit', '--pids 256'],
    ['--cpus', '--cpu'],
    ['--private', 'every run is isolated'],
  ])('%s leads to the option here', (option, hint) => {
    const error = failure(option, 'x');
    expect(error.code).toBe('ERR_OPTION_UNKNOWN');
    expect(error.message).toBe(`unknown option ${option}`);
    expect(error.hint).toContain(hint);
  });

  it('suggest only options that exist', () => {
    const names = new Set(runOptionTable.map(({ name }) => name as string));
    for (const hint of foreignHints)
      for (const [, name = ''] of hint.matchAll(/--([a-z][a-z-]+)/g))
        expect(names, hint).toContain(name);
  });

  it('do not stand in the way of a slip of the pen', () => {
    expect(failure('--nett', 'x').hint).toContain('Did you mean --net?');
    expect(failure('-net', 'x').hint).toContain('Did you mean --net?');
  });

  it('takes a word for the ID of --continue only if it looks like one', () => {
    const read = (...words: string[]) => parseRunArguments(['--continue', ...words]);
    expect(read('0dkz5emhx', 'x')).toEqual({ continue: '0dkz5emhx', command: 'x', args: [] });
    expect(read('0dk', 'x')).toMatchObject({ continue: '0dk', command: 'x' });
    for (const word of ['script.py', 'benchmark', '2to3', '0', '--']) {
      expect(read(word, 'x').continue).toBe('');
    }
    expect(parseRunArguments(['--continue'])).toEqual({ continue: '' });
    expect(parseRunArguments(['--continue=abc', 'x'])).toMatchObject({ continue: 'abc' });
  });
});
