/**
 * One table drives the error classes, the documentation and the tests.
 *
 * `area` picks the class that carries the code; `exit` is the status `wasbox run` ends with.
 */
export interface ErrorCodeEntry {
  readonly area: 'usage' | 'policy' | 'support' | 'launch' | 'run' | 'abort' | 'changes' | 'image';
  /** Exit status of `wasbox run` (125, 126 or 127); other verbs end with 1, or 2 for `usage`. */
  readonly exit: 125 | 126 | 127;
  /** What the code means, one sentence, for the reference. */
  readonly meaning: string;
}

const entry = (
  area: ErrorCodeEntry['area'],
  exit: ErrorCodeEntry['exit'],
  meaning: string,
): ErrorCodeEntry => ({ area, exit, meaning });

export const errorCodes = {
  // usage: what was typed or passed
  ERR_USAGE: entry('usage', 125, 'The command line or the options object is invalid.'),
  ERR_OPTION_UNKNOWN: entry('usage', 125, 'An option of that name does not exist.'),
  ERR_OPTION_VALUE: entry('usage', 125, 'The value of an option is malformed or out of range.'),
  ERR_PROFILE: entry('usage', 125, 'The profile cannot be read, or a key or value in it is wrong.'),
  ERR_NO_OPERAND: entry('usage', 125, 'No script or command was given.'),
  ERR_SCRIPT_NOT_FOUND: entry('usage', 127, 'The script or command does not exist.'),
  ERR_SCRIPT_UNREADABLE: entry('usage', 126, 'The script exists but is not a readable file.'),
  ERR_NO_INTERPRETER: entry(
    'usage',
    127,
    'The interpreter that the script needs is not installed.',
  ),
  ERR_UNKNOWN_TYPE: entry(
    'usage',
    126,
    'Neither a `#!` line nor the extension says how to run the file.',
  ),
  ERR_WORKDIR: entry('usage', 125, 'The working directory cannot be used.'),
  ERR_PATH: entry(
    'usage',
    125,
    'A path given to `--ro`, `--rw`, `--cow` or `--hide` cannot be used.',
  ),
  // policy
  ERR_POLICY_INVALID: entry(
    'policy',
    125,
    'The syscall policy has errors; `diagnostics` lists them.',
  ),
  ERR_POLICY_UNREADABLE: entry('policy', 125, 'The syscall policy file cannot be read.'),
  ERR_POLICY_INTERNAL: entry(
    'policy',
    125,
    'The compiled filter does not match its policy: a bug in wasbox.',
  ),
  // support: what this machine offers
  ERR_PLATFORM: entry('support', 125, 'wasbox has no native build for this platform.'),
  ERR_RUNTIME: entry(
    'support',
    125,
    'This JavaScript runtime cannot start sandboxes; Node.js 20.18 or newer can.',
  ),
  ERR_NESTED: entry(
    'support',
    125,
    'wasbox was started inside a wasbox sandbox, which does not allow another one.',
  ),
  ERR_USERNS: entry('support', 125, 'This machine forbids unprivileged user namespaces.'),
  ERR_PROC_MASKED: entry(
    'support',
    125,
    'A fresh /proc cannot be mounted, as inside most containers.',
  ),
  ERR_OVERLAY: entry(
    'support',
    125,
    'The file system of the working directory cannot be overlaid.',
  ),
  ERR_IDMAP: entry(
    'support',
    125,
    'The file system does not support idmapped mounts, which root needs.',
  ),
  ERR_KERNEL: entry('support', 125, 'The kernel lacks a feature that the sandbox needs.'),
  ERR_BACKEND: entry(
    'support',
    125,
    'This kind of isolation cannot provide something that the sandbox needs.',
  ),
  // launch
  ERR_SETUP: entry('launch', 125, 'A step of the sandbox set-up failed; nothing was started.'),
  ERR_EXEC: entry('launch', 126, 'The program could not be executed inside the sandbox.'),
  ERR_EXEC_NOT_FOUND: entry('launch', 127, 'The program was not found inside the sandbox.'),
  ERR_DESCRIPTORS: entry(
    'launch',
    125,
    'This process has as many open files as it may have, so the sandbox was not started.',
  ),
  ERR_POOL_BOOT: entry('launch', 125, 'A pooled sandbox ended before it was given a task.'),
  ERR_POOL_FULL: entry('launch', 125, 'Too many tasks are waiting for the pool.'),
  ERR_POOL_CLOSED: entry('launch', 125, 'The pool was closed before the task was started.'),
  ERR_SESSION_EXISTS: entry('launch', 125, 'A session of that name is running.'),
  ERR_SESSION_UNKNOWN: entry('launch', 125, 'No session of that name or ID is running.'),
  ERR_SESSION_CLOSED: entry('launch', 125, 'The session has ended.'),
  ERR_SESSION_BUSY: entry('launch', 125, 'Programs of the session were running.'),
  ERR_SESSION_ROLLBACK: entry('launch', 125, 'A rollback of the session ended the program.'),
  ERR_SNAPSHOT: entry('launch', 125, 'The snapshot is not one that the session can use.'),
  ERR_OUTPUT: entry('support', 125, 'Messages or the report could not be written completely.'),
  // run: the payload ran
  ERR_SESSION_FILE: entry('run', 125, 'A file of a session could not be read, written or removed.'),
  ERR_INIT_DIED: entry('run', 125, 'The sandbox ended without reporting a result.'),
  ERR_SUPERVISION: entry(
    'run',
    125,
    'The supervisor failed while the program ran, so the program was killed.',
  ),
  ERR_OUTPUT_LENGTH: entry(
    'run',
    125,
    'The output is too long for a JavaScript string; its bytes are there.',
  ),
  ERR_ABORTED: entry('abort', 125, 'The run was ended by its AbortSignal.'),
  // changes
  ERR_STATE_DIR: entry('changes', 125, "The user's state directory cannot be used."),
  ERR_RUN_UNKNOWN: entry('changes', 125, 'No saved run has that id.'),
  ERR_RUN_BUSY: entry('changes', 125, 'The run is still running, or another wasbox uses it.'),
  ERR_CONTINUE: entry('changes', 125, 'The named run cannot be continued.'),
  ERR_APPLY: entry('changes', 125, 'Some changes were not applied; `refused` lists them.'),
  // image
  ERR_IMAGE: entry(
    'image',
    125,
    'An image is malformed, or does not have the digest that it should.',
  ),
  ERR_IMAGE_LIMIT: entry('image', 125, 'An image is larger, or has more files, than is allowed.'),
  ERR_IMAGE_NOT_FOUND: entry('image', 125, 'There is no such image, or none for the platform.'),
  ERR_IMAGE_STORE: entry('image', 125, 'The image store cannot be used.'),
  ERR_REGISTRY: entry('image', 125, 'A registry could not be reached, or refused an image.'),
} as const satisfies Record<string, ErrorCodeEntry>;

/** A stable, documented error code. */
export type ErrorCode = keyof typeof errorCodes;
