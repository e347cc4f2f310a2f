/** What a waiting sandbox is asked to do, checked before it is given away. */
import type { Ask } from '../ask/index.js';
import { UsageError } from '../errors/index.js';

/** One run of a pool. `code` or `file`, unless the pool's runtime is a command of its own. */
export interface PoolTask {
  /** Source text for the pool's runtime. */
  readonly code?: string | undefined;
  /** A script as the sandbox sees it, relative to the working directory. */
  readonly file?: string | undefined;
  /** Arguments for the code or script. */
  readonly args?: readonly string[] | undefined;
  /** Variables to set beside those of the pool. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /**
   * What the payload reads from stdin.
   * @default '' (stdin is at its end at once)
   */
  readonly input?: string | Uint8Array | undefined;
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
  /** Called with each piece of the payload's output as it comes, also beyond `maxOutputBytes`. */
  readonly onStdout?: ((chunk: Uint8Array) => void) | undefined;
  readonly onStderr?: ((chunk: Uint8Array) => void) | undefined;
  /** Ends the run, or takes it out of the queue; it is then rejected with `ERR_ABORTED`. */
  readonly signal?: AbortSignal | undefined;
  /** Decides for this task, in a pool that has `ask`, too. @default the pool's */
  readonly ask?: Ask | undefined;
}

const properties: Readonly<Record<keyof PoolTask, true>> = {
  code: true,
  file: true,
  args: true,
  env: true,
  input: true,
  timeoutMs: true,
  maxOutputBytes: true,
  onStdout: true,
  onStderr: true,
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
  const { code, file, args = [], env = {}, input, timeoutMs, maxOutputBytes } = task;
  if (own && (code !== undefined || file !== undefined || args.length > 0 || task.env)) {
    throw fail(
      'a task of a command pool takes no code, file, args or env',
      'Pass what the command reads as `input`, or use python, node or sh as `runtime`.',
    );
  }
  if (!own && (code === undefined) === (file === undefined)) {
    throw fail(
      'a task needs either `code` or `file`, not both',
      "Example: pool.run('print(1 + 1)')",
    );
  }
  if (code !== undefined) checkText('code', code);
  if (file !== undefined) checkText('file', file);
  if (!Array.isArray(args)) throw fail('args must be an array of strings', 'See PoolTask.');
  for (const [index, arg] of args.entries()) checkText(`args[${index}]`, arg);
  for (const [name, value] of Object.entries(env)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw fail(
        `env: invalid variable name ${JSON.stringify(name)}`,
        'Use letters, digits and _.',
      );
    }
    checkText(`env.${name}`, value);
  }
  if (input !== undefined && typeof input !== 'string' && !(input instanceof Uint8Array)) {
    throw fail('input must be a string or bytes', 'See PoolTask.');
  }
  if (task.ask !== undefined && (!asks || typeof task.ask !== 'function')) {
    throw fail(
      asks ? 'ask must be a function' : 'a task can use ask only if its pool does',
      'The pool creates its sandboxes before it knows the task. Use createPool({ ask }).',
    );
  }
  for (const [name, value] of Object.entries({
    onStdout: task.onStdout,
    onStderr: task.onStderr,
  })) {
    if (value !== undefined && typeof value !== 'function') {
      throw fail(`${name} must be a function`, 'It gets each piece as a Uint8Array.');
    }
  }
  for (const [name, value] of Object.entries({ timeoutMs, maxOutputBytes })) {
    if (value !== undefined && !(typeof value === 'number' && value > 0 && value < 2 ** 31)) {
      throw fail(`${name} must be a positive number`, `Got ${String(value)}.`);
    }
  }
}
