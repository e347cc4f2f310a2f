/** The forms of a call of `run` and `spawn`, and the checks of what is not an option of the sandbox. */
import { fstatSync } from 'node:fs';
import { misuse, orNoLimit, UsageError } from '../errors/index.js';
import {
  callProperties,
  describeValue,
  type ResolveOptions,
  validateRunOptions,
} from '../options/index.js';
import { isBytes, isRecord, withInherited } from '../text/index.js';
import { isMilliseconds, millisecondsWords } from '../time/index.js';
import { isIterable } from './hold-input.js';
import type { Input, Stdio } from './options.js';
import { isTty, terminalSizeOf, ttyKinds } from './tty.js';

type Fields = Readonly<Record<string, unknown>>;

/**
 * The forms as one: `(options)`, `(words, options)`, `(command, options)`, `(command, args, options)`.
 * @throws UsageError where arguments are of no form
 */
export function callOptions(name: 'run' | 'spawn' | 'dryRun', given: readonly unknown[]): Fields {
  const [command, second, third] = Array.isArray(given[0]) ? ofWords(name, given) : given;
  if (typeof command !== 'string') {
    if (!isRecord(command)) {
      throw misuse(`${name}(options): options must be an object, such as { command: 'make' }`);
    }
    if (second === undefined && third === undefined) return withInherited(command);
    throw misuse(`${name}(options) takes no second argument: put args in options`);
  }
  if (isRecord(second)) {
    if (third === undefined) return { ...withInherited(second), command };
    throw misuse(`${name}(command, options) takes no third argument: put args in options`);
  }
  if (second !== undefined && !Array.isArray(second)) {
    throw misuse(`${name}(command, args, options): args must be an array of strings`);
  }
  if (third !== undefined && !isRecord(third)) {
    throw misuse(`${name}(command, args, options): options must be an object`);
  }
  return {
    ...(third && withInherited(third)),
    command,
    ...(second === undefined ? {} : { args: second }),
  };
}

/** An array of words is a command and its arguments. */
function ofWords(name: string, [words, options, ...more]: readonly unknown[]): unknown[] {
  const [first, ...args] = words as readonly unknown[];
  if (more.length > 0 || Array.isArray(options)) {
    throw misuse(`${name}(words, options): the words have the arguments already`);
  }
  if (typeof first !== 'string' || first === '') {
    throw misuse(`${name}(words): the first word must be a command, as in ['make', 'test']`);
  }
  return [first, args, options];
}

/** The end of what a property expects for which Infinity means no limit. */
const orInfinity = ', or Infinity';

const wrong = (property: string, expected: string, value: unknown): UsageError =>
  new UsageError('ERR_OPTION_VALUE', `option ${property}: expected ${expected}`, {
    hint: `Got ${describeValue(value)}.${expected.endsWith(orInfinity) ? orNoLimit(property, value) : ''}`,
  });

/** Accepts one of another realm, or of a polyfill, too. */
const isAbortSignal = (value: unknown): boolean =>
  isRecord(value) &&
  typeof value.aborted === 'boolean' &&
  typeof value.addEventListener === 'function' &&
  typeof value.removeEventListener === 'function';

const isCount = (value: unknown): boolean =>
  value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && (value as number) >= 0);

const isFunction = (value: unknown): boolean => typeof value === 'function';

export const isInput = (value: unknown): value is Input =>
  typeof value === 'string' ||
  isBytes(value) ||
  isIterable(value) ||
  (isRecord(value) && typeof value.file === 'string' && !value.file.includes('\0'));

export const inputKinds =
  'a string, a Uint8Array, a readable stream, an async iterable or { file: PATH }';

type Check = readonly [check: (value: unknown) => boolean, expected: string];

const common: Readonly<Record<string, Check>> = {
  signal: [isAbortSignal, 'an AbortSignal'],
  ask: [isFunction, 'a function'],
  askTimeoutMs: [(value) => isMilliseconds(value, 0), millisecondsWords(0)],
};

const onPort: Check = [isFunction, 'a function'];

/** Checks of the options of a run and of a pool's task. */
const collected: Readonly<Record<string, Check>> = {
  input: [isInput, inputKinds],
  maxOutputBytes: [isCount, `a whole number of bytes from 0 on${orInfinity}`],
  onStdout: [isFunction, 'a function'],
  onStderr: [isFunction, 'a function'],
  all: [(value) => typeof value === 'boolean', 'true or false'],
};

const milliseconds: Check = [(value) => isMilliseconds(value), millisecondsWords()];

/** The words of the command line are accepted, too, which are about this process's terminal. */
const tty: Check = [
  (value) => isTty(value) || ['auto', 'always', 'never'].includes(value as string),
  `${ttyKinds}; or 'auto', 'always', 'never'`,
];

const checks = {
  run: { ...common, ...collected, onPort, tty },
  spawn: {
    ...common,
    onPort,
    tty,
    stdio: [isStdio, "three of 'pipe', 'ignore', 'inherit' or an open descriptor"],
  },
  createPool: {
    ...common,
    maxOutputBytes: collected.maxOutputBytes as Check,
    startTimeoutMs: milliseconds,
  },
  createSession: { ...common, onPort, idleMs: milliseconds },
  'session.exec': {
    ...collected,
    signal: common.signal as Check,
    tty: [isTty, ttyKinds] as Check,
  },
  'pool.run': {
    ...collected,
    signal: common.signal as Check,
    ask: common.ask as Check,
  },
} satisfies Readonly<Record<string, Readonly<Record<string, Check>>>>;

type Called = keyof typeof checks;

function isStdio(value: unknown): value is Stdio {
  return Array.isArray(value) && value.length === 3 && value.every(isTarget);
}

function isTarget(target: unknown): boolean {
  if (['pipe', 'ignore', 'inherit'].includes(target as string)) return true;
  if (!Number.isSafeInteger(target) || (target as number) < 0) return false;
  try {
    fstatSync(target as number);
    return true;
  } catch {
    return false;
  }
}

/** Checks what a call says beside the sandbox. @throws UsageError */
export function checkOptions(name: Called, options: Fields): void {
  const own: Readonly<Record<string, Check>> = checks[name];
  for (const [property, value] of Object.entries(options)) {
    if (value === undefined) continue;
    // An option of the sandbox, wherever it is passed.
    if (property === 'timeoutMs') validateRunOptions({ timeoutMs: value });
    const check = own[property];
    if (check?.[0](value) === false) throw wrong(property, check[1], value);
    if (check === undefined && callProperties.includes(property)) {
      throw new UsageError('ERR_OPTION_UNKNOWN', `${name}() has no option ${property}`, {
        hint: property === 'stdio' ? 'spawn() has it.' : 'run() has it.',
      });
    }
  }
}

/**
 * Checks everything that can be before anything is started.
 * @throws UsageError
 */
export function checkCall(name: Called, options: Fields): void {
  checkOptions(name, options);
  const { tty: own, ...others } = options;
  const ofRun = name === 'run' || name === 'spawn';
  validateRunOptions(ofRun && isTty(own) ? others : options);
  if (name === 'spawn' && terminalSizeOf(own) !== undefined && options.stdio !== undefined) {
    throw new UsageError(
      'ERR_USAGE',
      'options tty and stdio cannot be combined: the terminal is all three streams',
      {
        hint: "Leave out stdio, or pass tty: 'always', which leaves stderr as it is.",
      },
    );
  }
  if (name === 'run' || name === 'spawn') checkProgram(options);
}

/** Checks that only one thing is run: of two, one would be left out unsaid. */
function checkProgram({ command, code, image }: Fields): void {
  if (code !== undefined && command !== undefined) {
    throw new UsageError('ERR_USAGE', 'options command and code: only one of them can be run', {
      hint: 'Pass what the code is to get in args: { code, args }.',
    });
  }
  // An image may say what is run.
  if (code === undefined && image === undefined && (command === undefined || command === '')) {
    throw new UsageError('ERR_NO_OPERAND', 'neither a command nor code was given', {
      hint: "Pass { command: 'make', args: ['test'] } or { lang: 'python', code: 'print(1)' }.",
    });
  }
}

/** The options that the sandbox is resolved from; those of the call are not among them. */
export function sandboxOptions(options: Fields): ResolveOptions {
  const { ask, changes, tty: own, ...rest } = options;
  const of = ({
    signal,
    askTimeoutMs,
    input,
    maxOutputBytes,
    onStdout,
    onStderr,
    all,
    onPort: _,
    stdio,
    ...own
  }: Fields) => own;
  return {
    ...of(rest),
    ...ttyOf(own),
    ...(ask === undefined ? {} : { ask }),
    changes: changesOf(changes, rest.continue !== undefined),
  } as ResolveOptions;
}

function ttyOf(tty: unknown): Pick<ResolveOptions, 'terminalSize' | 'tty'> {
  const terminalSize = terminalSizeOf(tty);
  if (terminalSize !== undefined) return { tty: 'always', terminalSize };
  if (tty === undefined || tty === false) return {};
  return { tty: tty as NonNullable<ResolveOptions['tty']> };
}

/** A program does not review what its runs leave, so nothing is kept unasked. */
function changesOf(changes: unknown, continues: boolean): unknown {
  if (changes === undefined) return continues ? 'keep' : { success: 'discard', failure: 'discard' };
  return changes === 'discard' ? { success: 'discard', failure: 'discard' } : changes;
}
