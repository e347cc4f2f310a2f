/** A step of the set-up that failed, as an error that says what to do. */

import {
  type ErrorCode,
  LaunchError,
  RunError,
  SupportError,
  type WasboxError,
} from '../errors/index.js';
import { hostFacts } from '../host/index.js';
import type { Native, NativeOutcome } from '../native/index.js';
import { spoken } from '../options/index.js';
import { stepNames } from '../plan/index.js';
import { type IdentitySpec, ownOf, type SandboxSpec } from '../resolve/index.js';
import { type Closed, closedTo } from './closed-to.js';
import { type Advice, adviseSetupFailure } from './set-up.js';

export interface FailedLaunch {
  /** The state directory, where the run has layers. */
  readonly state?: string | undefined;
  /** The ID under which the changes up to the end are saved. */
  readonly runId?: string | undefined;
}

const closedHint = ({ hostUid }: IdentitySpec, { path, directory }: Closed): string =>
  spoken`Root's programs run as uid ${String(hostUid)} in the sandbox, which may not ${directory ? 'enter' : 'execute'} ${path}. Copy the program to a place where every user may execute it.`;

function executionFailure(spec: SandboxSpec, code: string, errnoText: string): Advice {
  const { path, display } = spec.command;
  if (code === 'ENOENT') {
    return {
      code: 'ERR_EXEC_NOT_FOUND',
      message: `${path}, its interpreter or its dynamic linker was not found in the sandbox`,
      hint: spoken`If ${display} needs files that the sandbox hides, mount them: --ro PATH`,
    };
  }
  const closed =
    code === 'EACCES' && spec.identity.privileged && !ownOf(spec).ids
      ? closedTo(spec.identity, path)
      : undefined;
  const hints: Readonly<Record<string, string>> = {
    EACCES: closed
      ? closedHint(spec.identity, closed)
      : 'It is not executable, or its file system is mounted noexec.',
    ENOEXEC: 'It is neither a program for this machine nor a script with a #! line.',
    EPERM:
      'The syscall policy must allow execve, which starts the program, and the calls that every program needs: allow @system-service',
    E2BIG: 'The arguments and the environment together are too long.',
  };
  return {
    code: 'ERR_EXEC',
    message: `cannot execute ${path}: ${errnoText}`,
    hint: hints[code],
  };
}

/**
 * The error of a launch in which the payload never ran, or undefined where it did.
 */
export function launchFailure(
  native: Pick<Native, 'errnoName'>,
  spec: SandboxSpec,
  outcome: NativeOutcome,
  { state, runId }: FailedLaunch = {},
): WasboxError | undefined {
  if (outcome.kind === 'ended') return undefined;
  const saved =
    runId === undefined ? '' : ` Its changes up to then are saved: wasbox diff ${runId}`;
  if (outcome.kind === 'died') {
    return new RunError('ERR_INIT_DIED', 'the sandbox ended unexpectedly', {
      hint: `Something may have killed it, such as the kernel when memory ran out (see dmesg).${saved}`,
      runId,
    });
  }
  if (outcome.kind === 'left') {
    return new RunError(
      'ERR_INIT_DIED',
      'the sandbox ended, but processes of its program are left',
      {
        hint: `They may hang in the kernel, or go on. Look for them with ps, and kill them.${saved}`,
        runId,
      },
    );
  }
  const errno = native.errnoName(outcome.errno);
  if (outcome.kind === 'lost') {
    return new RunError(
      'ERR_SUPERVISION',
      `the supervisor could not answer the program's blocked calls: ${errno.message} (${errno.code})`,
      {
        hint: `wasbox killed the program.${saved}`,
        runId,
        errno: errno.code,
      },
    );
  }
  const step = stepNames[outcome.step as keyof typeof stepNames];
  const path = outcome.path === '' ? undefined : outcome.path;
  const advice =
    outcome.kind === 'exec'
      ? executionFailure(spec, errno.code, errno.message)
      : adviseSetupFailure(
          { step, errno: errno.code, errnoText: errno.message, path },
          hostFacts(state),
        );
  if (isSupport(advice.code)) {
    return new SupportError(advice.code, advice.message, { hint: advice.hint });
  }
  return new LaunchError(advice.code, advice.message, {
    hint: advice.hint,
    step,
    errno: errno.code,
    path,
  });
}

const supportCodes: ReadonlySet<ErrorCode> = new Set([
  'ERR_USERNS',
  'ERR_PROC_MASKED',
  'ERR_OVERLAY',
  'ERR_IDMAP',
  'ERR_KERNEL',
]);

const isSupport = (code: ErrorCode): boolean => supportCodes.has(code);
