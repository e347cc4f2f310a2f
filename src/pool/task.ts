/** The task of a waiting sandbox, checked before it is given away. */
import type { Ask } from '../ask/index.js';
import { UsageError } from '../errors/index.js';
import { checkOptions, type Input, type OnOutput } from '../launch/index.js';

/** One run of a pool. `code` or `command`, unless the pool's own program is a command. */
export interface PoolTask {
  /** Source text in the pool's language. */
  readonly code?: string | undefined;
  /** A script as the sandbox sees it, relative to the working directory. */
  readonly command?: string | undefined;
  /** Arguments for the code or script. */
  readonly args?: readonly string[] | undefined;
  /** Variables to set beside those of the pool; those that are undefined are left out. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /**
   * The input that the payload reads from stdin.
   * @default '' (stdin is at its end at once)
   */
  readonly input?: Input | undefined;
  /**
   * Wall time in milliseconds, counted from when the task is given to a sandbox.
   * @default the pool's
   */
  readonly timeoutMs?: number | undefined;
  /**
   * Bytes kept of stdout and of stderr each.
   * @default the pool's
   */
  readonly maxOutputBytes?: number | undefined;
  /** Callbacks like those of `run`. */
  readonly onStdout?: OnOutput | undefined;
  readonly onStderr?: OnOutput | undefined;
  readonly all?: boolean | undefined;
  /** Ends the run, or takes it out of the queue; it is then rejected with an AbortError. */
  readonly signal?: AbortSignal | undefined;
  /** Decides for this task, in a pool that has `ask`, too. @default the pool's */
  readonly ask?: Ask | undefined;
}

const properties: Readonly<Record<keyof PoolTask, true>> = {
  code: true,
  command: true,
  args: true,
  env: true,
  input: true,
  timeoutMs: true,
  maxOutputBytes: true,
  onStdout: true,
  onStderr: true,
  all: true,
  signal: true,
  ask: true,
};

const fail = (message: string, hint: string): UsageError =>
  new UsageError('ERR_OPTION_VALUE', message, { hint });

function checkText(what: string, text: unknown): void {
  if (typeof text !== 'string') throw fail(`${what} must be a string`, 'See PoolTask.');
  if (text.includes('\0')) {
    throw fail(`${what} must not contain NUL`, 'Pass bytes through `input`.');
  }
}

/**
 * Checks a task as far as it can be before a sandbox is spent on it.
 * @param own whether the pool runs a command of its own, which is only given `input`
 * @param asks whether its sandboxes are made to ask
 * @throws UsageError
 */
export function checkTask(task: PoolTask, { own, asks }: { own: boolean; asks: boolean }): void {
  for (const name of Object.keys(task)) {
    if (!(name in properties)) {
      throw new UsageError('ERR_OPTION_UNKNOWN', `unknown task property ${JSON.stringify(name)}`, {
        hint: `Properties of a task: ${Object.keys(properties).join(', ')}. Pass the others to createPool().`,
      });
    }
  }
  checkOptions('pool.run', { ...task });
  checkProgram(task, own);
  if (task.ask !== undefined && !asks) {
    throw fail(
      'a task can use ask only if its pool does',
      'The pool creates its sandboxes before it knows the task. Use createPool({ ask }).',
    );
  }
}

function checkProgram({ code, command, args = [], env = {} }: PoolTask, own: boolean): void {
  if (!Array.isArray(args)) throw fail('args must be an array of strings', 'See PoolTask.');
  if (own && (code !== undefined || command !== undefined || args.length > 0)) {
    throw fail(
      'a task of a command pool takes no code, command or args',
      "Pass what the command reads as `input`, or create the pool with lang: 'python', 'node' or 'sh'.",
    );
  }
  if (own && Object.keys(env).length > 0) {
    throw fail('a task of a command pool takes no env', 'Pass it to createPool().');
  }
  if (!own && (code === undefined) === (command === undefined)) {
    throw fail(
      code === undefined
        ? 'a task needs `code` or `command`'
        : 'a task has either `code` or `command`, not both',
      "Example: pool.run('print(1 + 1)')",
    );
  }
  if (code !== undefined) checkText('code', code);
  if (command !== undefined) checkText('command', command);
  for (const [index, arg] of args.entries()) checkText(`args[${index}]`, arg);
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue;
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw fail(
        `env: invalid variable name ${JSON.stringify(name)}`,
        'Use letters, digits and _.',
      );
    }
    checkText(`env.${name}`, value);
  }
}
