/** The programs and limits of test/integration/same-words.test.ts. */
import { Readable } from 'node:stream';
import type { Case } from './endings.js';

/** A program of Python, for what a shell cannot do. */
const python = (code: string, rest: Omit<Case, 'code' | 'lang'> = {}): Case => ({
  lang: 'python',
  code,
  ...rest,
});

const raise = (signal: number): Case => python(`import os; os.kill(os.getpid(), ${signal})`);

/** Cases of a program that ends by itself, by a signal, or at a limit of its own. */
export const endings: Readonly<Record<string, Case>> = {
  'a program that does nothing': { code: ':' },
  'a program that fails': { code: 'exit 3' },
  'a program with the highest status': { code: 'exit 255' },
  'output on both streams': { code: 'echo out; echo err >&2; exit 1' },
  'arguments and variables': {
    code: 'echo "$1|$2|$X"',
    args: ['a b', ''],
    env: { X: 'x y' },
  },
  'bytes that are no text': { code: "printf '\\377\\000a'" },
  'an error of syntax': { code: 'if' },
  'a program that is not found': { code: 'exec no-such-program' },
  'a program that cannot be executed': { code: 'exec /etc/hostname' },
  'an exception': python('raise SystemExit("no")'),
  'SIGTERM of its own': { code: 'kill -TERM $$' },
  'SIGKILL of its own': { code: 'kill -KILL $$' },
  'SIGHUP of its own': { code: 'kill -HUP $$' },
  'SIGPIPE of its own': { code: 'kill -PIPE $$' },
  'an invalid access': raise(11),
  'SIGXCPU of its own': raise(24),
  'a signal without a name': raise(34),
  'the last signal': raise(64),
  'a child that a signal ends': { code: "sh -c 'kill -9 $$'; echo $?" },
  // One way, whose caller reads the streams itself, waits for it.
  'a child that is left running': { code: 'sleep 3 & echo now' },
  'a time limit': { code: 'sleep 60', limits: { timeoutMs: 300 } },
  'a time limit, and a program that tidies up': {
    // The shell would tell of a sleep that the same signal ended, if there is one at that moment.
    code: 'exec 2>/dev/null; trap "echo bye; exit 7" TERM; while :; do sleep 0.05; done',
    limits: { timeoutMs: 500 },
  },
  'a time limit, and a program that goes on': {
    code: 'trap "" TERM; while :; do sleep 0.05; done',
    limits: { timeoutMs: 300 },
    sandbox: { graceMs: 200 },
  },
  'a limit of 35 days': { code: 'sleep 0.2; exit 3', limits: { timeoutMs: 3_000_000_000 } },
  'a limit of a year': { code: 'exit 3', limits: { timeoutMs: 365 * 24 * 3600 * 1000 } },
  'a limit of processor time': { code: 'while :; do :; done', limits: { cpuMs: 200 } },
  'a limit of memory': python('x = bytearray(400 << 20)\nprint(sum(x[::4096]))', {
    limits: { memoryBytes: 100 * 1024 ** 2 },
  }),
  'a limit of a file': {
    code: 'exec head -c 100000 /dev/zero > "$HOME/f"',
    limits: { fileSizeBytes: 50_000 },
  },
  'a limit of open files': python(
    'import os\ntry:\n  for i in range(99): os.dup(0)\nexcept OSError as error: print(error.errno)',
    { limits: { openFiles: 40 } },
  ),
  'a limit of 0 ms': { code: ':', limits: { timeoutMs: 0 } },
  'a limit of less than 0 ms': { code: ':', limits: { timeoutMs: -1 } },
  'a limit of half a millisecond': { code: ':', limits: { timeoutMs: 0.5 } },
  'a limit of a year and a millisecond': {
    code: ':',
    limits: { timeoutMs: 365 * 24 * 3600 * 1000 + 1 },
  },
  'a limit that is a text': { code: ':', limits: { timeoutMs: '1s' } },
  'too little memory': { code: ':', limits: { memoryBytes: 5 } },
  'half a millisecond of processor time': { code: ':', limits: { cpuMs: 0.5 } },
  'no open files': { code: ':', limits: { openFiles: 0 } },
};

/** Cases with values that JSON has no form for. */
export const endless: Readonly<Record<string, Case>> = {
  'no time limit': { code: 'exit 3', limits: { timeoutMs: Number.POSITIVE_INFINITY } },
  'a limit that is no number': { code: ':', limits: { timeoutMs: Number.NaN } },
};

const aborted = (): AbortSignal => AbortSignal.abort('enough');

/** Ends it as soon as it writes. */
function abortedByOutput() {
  const controller = new AbortController();
  return { signal: controller.signal, onStdout: () => controller.abort('enough') };
}

/** Cases of input, callbacks, and what is kept of the output. */
export const calls: Readonly<Record<string, Case>> = {
  'input that is text': { code: 'cat', call: () => ({ input: 'abc' }) },
  'input that is bytes': { code: 'cat', call: () => ({ input: Buffer.from('abc') }) },
  'input from a file': { code: 'wc -l', call: () => ({ input: { file: '/etc/hostname' } }) },
  'input from a stream': { code: 'cat', call: () => ({ input: Readable.from(['a', 'b']) }) },
  'input that is not read': { code: 'exit 4', call: () => ({ input: 'x'.repeat(1_000_000) }) },
  'no input': { code: 'cat; echo end' },
  'input that fails': {
    code: 'cat > /dev/null',
    call: () => ({
      input: (async function* () {
        yield 'a';
        throw new RangeError('no more');
      })(),
    }),
  },
  'input that is not there': { code: 'cat', call: () => ({ input: { file: '/no/file' } }) },
  'input that is a number': { code: 'cat', call: () => ({ input: 1 }) },
  'more output than is kept': { code: 'echo 1234567890', call: () => ({ maxOutputBytes: 4 }) },
  'output that is not kept': { code: 'echo 1; echo 2 >&2', call: () => ({ maxOutputBytes: 0 }) },
  'output without a bound': { code: 'echo 1', call: () => ({ maxOutputBytes: Infinity }) },
  'both streams as one': { code: 'echo 1; sleep 0.2; echo 2 >&2', call: () => ({ all: true }) },
  'a bound of the output that is none': { code: ':', call: () => ({ maxOutputBytes: -1 }) },
  'a callback that is none': { code: ':', call: () => ({ onStdout: 'log' }) },
  'a callback that throws': {
    code: 'echo 1; sleep 60',
    call: () => ({
      onStdout: () => {
        throw new RangeError('no more');
      },
    }),
  },
  'a callback that is rejected': {
    code: 'echo 1 >&2; sleep 60',
    call: () => ({ onStderr: () => Promise.reject(new RangeError('no more')) }),
  },
  'a callback that never ends, and a time limit': {
    code: 'echo 1',
    limits: { timeoutMs: 1000 },
    call: () => ({ onStdout: () => new Promise(() => {}) }),
  },
  'a callback that never ends, and a signal': {
    code: 'echo 1; sleep 0.3; kill -9 $$',
    call: () => ({ onStdout: () => new Promise(() => {}) }),
  },
  'a signal that was aborted before': { code: 'exit 3', call: () => ({ signal: aborted() }) },
  'a signal that is aborted': { code: 'echo 1; sleep 60', call: abortedByOutput },
  'a signal that is none': { code: ':', call: () => ({ signal: {} }) },
};
