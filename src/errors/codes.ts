/**
 * One table drives the error classes, the documentation and the tests. What each means is in meanings.ts.
 *
 * `area` picks the class that carries the code; `exit` is the status `wasbox run` ends with.
 */
export interface ErrorCodeEntry {
  readonly area: 'usage' | 'policy' | 'support' | 'launch' | 'run' | 'abort' | 'changes' | 'image';
  /** Exit status of `wasbox run` (125, 126 or 127); other verbs end with 1, or 2 for `usage`. */
  readonly exit: 125 | 126 | 127;
}

const entry = (area: ErrorCodeEntry['area'], exit: ErrorCodeEntry['exit']): ErrorCodeEntry => ({
  area,
  exit,
});

export const errorCodes = {
  // usage: what was typed or passed
  ERR_USAGE: entry('usage', 125),
  ERR_OPTION_UNKNOWN: entry('usage', 125),
  ERR_OPTION_VALUE: entry('usage', 125),
  ERR_PROFILE: entry('usage', 125),
  ERR_NO_OPERAND: entry('usage', 125),
  ERR_SCRIPT_NOT_FOUND: entry('usage', 127),
  ERR_SCRIPT_UNREADABLE: entry('usage', 126),
  ERR_NO_INTERPRETER: entry('usage', 127),
  ERR_UNKNOWN_TYPE: entry('usage', 126),
  ERR_WORKDIR: entry('usage', 125),
  ERR_PATH: entry('usage', 125),
  ERR_JOB: entry('usage', 125),
  // policy
  ERR_POLICY_INVALID: entry('policy', 125),
  ERR_POLICY_UNREADABLE: entry('policy', 125),
  ERR_POLICY_INTERNAL: entry('policy', 125),
  // support: what this machine offers
  ERR_PLATFORM: entry('support', 125),
  ERR_RUNTIME: entry('support', 125),
  ERR_NESTED: entry('support', 125),
  ERR_USERNS: entry('support', 125),
  ERR_PROC_MASKED: entry('support', 125),
  ERR_OVERLAY: entry('support', 125),
  ERR_IDMAP: entry('support', 125),
  ERR_KERNEL: entry('support', 125),
  ERR_BACKEND: entry('support', 125),
  ERR_PEER: entry('support', 125),
  ERR_PACKAGES: entry('support', 125),
  // launch
  ERR_SETUP: entry('launch', 125),
  ERR_EXEC: entry('launch', 126),
  ERR_EXEC_NOT_FOUND: entry('launch', 127),
  ERR_DESCRIPTORS: entry('launch', 125),
  ERR_POOL_BOOT: entry('launch', 125),
  ERR_POOL_FULL: entry('launch', 125),
  ERR_POOL_CLOSED: entry('launch', 125),
  ERR_SESSION_EXISTS: entry('launch', 125),
  ERR_SESSION_UNKNOWN: entry('launch', 125),
  ERR_SESSION_CLOSED: entry('launch', 125),
  ERR_SESSION_BUSY: entry('launch', 125),
  ERR_SESSION_ROLLBACK: entry('launch', 125),
  ERR_SNAPSHOT: entry('launch', 125),
  ERR_OUTPUT: entry('support', 125),
  // run: the payload ran
  ERR_SESSION_FILE: entry('run', 125),
  ERR_INIT_DIED: entry('run', 125),
  ERR_SUPERVISION: entry('run', 125),
  ERR_OUTPUT_LENGTH: entry('run', 125),
  ERR_ABORTED: entry('abort', 125),
  // changes
  ERR_STATE_DIR: entry('changes', 125),
  ERR_RUN_UNKNOWN: entry('changes', 125),
  ERR_RUN_BUSY: entry('changes', 125),
  ERR_CONTINUE: entry('changes', 125),
  ERR_APPLY: entry('changes', 125),
  // image
  ERR_IMAGE: entry('image', 125),
  ERR_IMAGE_LIMIT: entry('image', 125),
  ERR_IMAGE_NOT_FOUND: entry('image', 125),
  ERR_IMAGE_STORE: entry('image', 125),
  ERR_REGISTRY: entry('image', 125),
} as const satisfies Record<string, ErrorCodeEntry>;

/** A stable, documented error code. */
export type ErrorCode = keyof typeof errorCodes;
