/**
 * Says what each error code means, one sentence, for the reference and the manual: no part of a program that catches
 * errors.
 */
import type { ErrorCode } from './codes.js';

export const errorMeanings: Readonly<Record<ErrorCode, string>> = {
  // usage: what was typed or passed
  ERR_USAGE: 'The command line or the options object is invalid.',
  ERR_OPTION_UNKNOWN: 'An option of that name does not exist.',
  ERR_OPTION_VALUE: 'The value of an option is malformed or out of range.',
  ERR_PROFILE: 'The profile cannot be read, or a key or value in it is wrong.',
  ERR_NO_OPERAND: 'No script or command was given.',
  ERR_SCRIPT_NOT_FOUND: 'The script or command does not exist.',
  ERR_SCRIPT_UNREADABLE: 'The script exists but is not a readable file.',
  ERR_NO_INTERPRETER: 'The interpreter that the script needs is not installed.',
  ERR_UNKNOWN_TYPE: 'Neither a `#!` line nor the extension says how to run the file.',
  ERR_WORKDIR: 'The working directory cannot be used.',
  ERR_PATH: 'A path given to `--ro`, `--rw`, `--cow` or `--hide` cannot be used.',
  ERR_JOB: 'A job of a queue is malformed, or asks for more than its worker allows.',
  // policy
  ERR_POLICY_INVALID: 'The syscall policy has errors; `diagnostics` lists them.',
  ERR_POLICY_UNREADABLE: 'The syscall policy file cannot be read.',
  ERR_POLICY_INTERNAL: 'The compiled filter does not match its policy: a bug in wasbox.',
  // support: what this machine offers
  ERR_PLATFORM: 'wasbox has no native build for this platform.',
  ERR_RUNTIME:
    'This JavaScript runtime cannot start sandboxes; Node.js 20.18 or newer (not 21, nor 22.0 to 22.2) can.',
  ERR_NESTED: 'wasbox was started inside a wasbox sandbox, which does not allow another one.',
  ERR_USERNS: 'This machine forbids unprivileged user namespaces.',
  ERR_PROC_MASKED: 'A fresh /proc cannot be mounted, as inside most containers.',
  ERR_OVERLAY: 'overlayfs cannot use the working directory or the state directory.',
  ERR_IDMAP: 'The file system does not support idmapped mounts, which root needs.',
  ERR_KERNEL: 'The kernel lacks a feature that the sandbox needs.',
  ERR_PEER: 'An optional package that this feature needs is not installed.',
  ERR_PACKAGES: 'The packages of --with could not be installed.',
  ERR_BACKEND: 'This kind of isolation cannot provide something that the sandbox needs.',
  // launch
  ERR_SETUP: 'A step of the sandbox set-up failed; nothing was started.',
  ERR_EXEC: 'The program could not be executed inside the sandbox.',
  ERR_EXEC_NOT_FOUND: 'The program was not found inside the sandbox.',
  ERR_DESCRIPTORS:
    'This process has reached its limit of open files, so the sandbox was not started.',
  ERR_POOL_BOOT: 'A pooled sandbox ended before it was given a task.',
  ERR_POOL_FULL: 'Too many tasks are waiting for the pool.',
  ERR_POOL_CLOSED: 'The pool was closed before the task was started.',
  ERR_SESSION_EXISTS: 'A session of that name is running.',
  ERR_SESSION_UNKNOWN: 'No session of that name or ID is running.',
  ERR_SESSION_CLOSED: 'The session has ended.',
  ERR_SESSION_BUSY: 'Programs of the session were running.',
  ERR_SESSION_ROLLBACK: 'A rollback of the session ended the program.',
  ERR_SNAPSHOT: 'The snapshot is not one that the session can use.',
  ERR_OUTPUT: 'Messages or the report could not be written completely.',
  // run: the payload ran
  ERR_SESSION_FILE: 'A file of a session could not be read, written or removed.',
  ERR_INIT_DIED: 'The sandbox ended without reporting a result, or left processes behind.',
  ERR_SUPERVISION: 'The supervisor failed while the program ran, so the program was killed.',
  ERR_OUTPUT_LENGTH: 'The output is too long for a JavaScript string; its bytes are there.',
  ERR_ABORTED: 'The run was ended by its AbortSignal.',
  // changes
  ERR_STATE_DIR: "The user's state directory cannot be used.",
  ERR_RUN_UNKNOWN: 'No saved run has that id.',
  ERR_RUN_BUSY: 'The run is still running, or another wasbox uses it.',
  ERR_CONTINUE: 'The named run cannot be continued.',
  ERR_APPLY: 'Some changes were not applied; `refused` lists them.',
  // image
  ERR_IMAGE: 'An image is malformed, or does not have the digest that it should.',
  ERR_IMAGE_LIMIT: 'An image is larger, or has more files, than is allowed.',
  ERR_IMAGE_NOT_FOUND: 'There is no such image, or none for the platform.',
  ERR_IMAGE_STORE: 'The image store cannot be used.',
  ERR_REGISTRY: 'A registry could not be reached, or refused an image.',
};
