/** One program of a session, from its start to its end. */
import { fchownSync } from 'node:fs';
import type { Socket } from 'node:net';
import { posix } from 'node:path';
import { byInterface, LaunchError, UsageError, type WasboxError } from '../errors/index.js';
import { descriptorsError } from '../launch/index.js';
import {
  closeDescriptor,
  giveDescriptor,
  type Native,
  type NativePayloadPipe,
} from '../native/index.js';
import { isVariableName, shellQuote, spoken, type TerminalSize } from '../options/index.js';
import {
  buildExec,
  type OwnLimits,
  stepNames,
  WB_STEP_EXEC,
  WB_STEP_WORKDIR,
} from '../plan/index.js';
import type { IdentitySpec, SandboxSpec } from '../resolve/index.js';
import { after } from '../time/index.js';
import type { Connection, ProgramEnd, ProgramFailure } from './connection.js';
import { pathsOf } from './program.js';

/** Where and how a program is started. */
export interface ExecPlace {
  /** Variables on top of the session's; undefined removes one. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Current directory, from the session's on. */
  readonly cwd?: string | undefined;
  /** The size of a terminal of its own. @default none, but pipes */
  readonly terminal?: TerminalSize | undefined;
  /** Limits below those of the session. */
  readonly limits?: OwnLimits | undefined;
}

/** The parts that the programs of a session share. */
export interface Surroundings {
  readonly native: Native;
  readonly spec: SandboxSpec;
  readonly connection: Connection;
}

export interface Execution {
  readonly startedNs: number;
  /** Signals its process group. */
  signal(signal: number): void;
  readonly ended: Promise<ProgramEnd>;
}

/** A program that has started. */
export interface StartedProgram extends Execution {
  readonly stdin: Socket;
  readonly stdout: Socket;
  readonly stderr: Socket;
  /** Fulfilled when what it wrote until its end has been read; the streams may go on. */
  drained(): Promise<void>;
  /** Resizes its terminal, where it has one. */
  readonly resize?: ((size: TerminalSize) => void) | undefined;
}

const setVariable = (): string =>
  byInterface({
    command: 'Write --env NAME=VALUE.',
    library: "Write { env: { NAME: 'VALUE' } }.",
    mcp: 'Write "env": {"NAME": "VALUE"}.',
  });

function environmentOf(spec: SandboxSpec, { env = {} }: ExecPlace, cwd: string) {
  const all: Record<string, string> = { ...spec.env, PWD: cwd };
  for (const [name, value] of Object.entries(env)) {
    if (!isVariableName(name)) {
      throw new UsageError(
        'ERR_OPTION_VALUE',
        `env: invalid variable name ${JSON.stringify(name)}`,
        { hint: setVariable() },
      );
    }
    if (value === undefined) delete all[name];
    else if (typeof value !== 'string' || value.includes('\0')) {
      throw new UsageError('ERR_OPTION_VALUE', `env.${name}: expected a string without NUL`, {
        hint: setVariable(),
      });
    } else all[name] = value;
  }
  return all;
}

function directoryOf(spec: SandboxSpec, { cwd }: ExecPlace): string {
  if (cwd === undefined) return spec.realCwd;
  if (typeof cwd !== 'string' || cwd === '' || cwd.includes('\0')) {
    throw new UsageError('ERR_OPTION_VALUE', 'cwd: expected a path', {
      hint: 'A relative path starts from the directory of the session.',
    });
  }
  return posix.resolve(spec.realCwd, cwd);
}

/** Returns the program as init takes it. @throws UsageError */
export function execBytes(
  spec: SandboxSpec,
  argv: readonly string[],
  place: ExecPlace,
): Uint8Array {
  const cwd = directoryOf(spec, place);
  const env = environmentOf(spec, place, cwd);
  const [command = ''] = argv;
  const paths = pathsOf(command, env.PATH ?? spec.env.PATH ?? '', cwd);
  const elsewhere = place.cwd === undefined ? {} : { cwd };
  const { terminal, limits } = place;
  const bytes = buildExec({ paths, argv, env, terminal, limits, ...elsewhere });
  if (bytes !== undefined) return bytes;
  throw new UsageError('ERR_OPTION_VALUE', 'the arguments and the environment are too long', {
    hint: 'Pass large data through `input`, or write it to a file.',
  });
}

interface Pipe {
  readonly given: number;
  readonly stream: Socket;
  readonly written: () => number | undefined;
}

/** Makes a pipe that a program gets the other end of. */
type MakePipe = (isInput: boolean) => NativePayloadPipe;

function openPipe(make: MakePipe, isInput: boolean): Pipe {
  const { own, given, written } = make(isInput);
  let stream: Socket;
  try {
    stream = giveDescriptor(own, { readable: !isInput, writable: isInput });
  } catch (error) {
    closeDescriptor(given);
    throw error;
  }
  stream.on('error', () => {}); // a program need not read its input; what came of its output counts
  return { given, stream, written };
}

/** @param owner of the program's ends; @default this process's user */
export function openPipes(make: MakePipe, owner?: IdentitySpec): readonly [Pipe, Pipe, Pipe] {
  const pipes: Pipe[] = [];
  try {
    for (let fd = 0; fd < 3; fd++) {
      const pipe = openPipe(make, fd === 0);
      pipes.push(pipe);
      if (owner !== undefined) fchownSync(pipe.given, owner.hostUid, owner.hostGid);
    }
  } catch (error) {
    for (const { stream, given } of pipes) {
      stream.destroy();
      closeDescriptor(given);
    }
    throw descriptorsError(error);
  }
  return pipes as unknown as readonly [Pipe, Pipe, Pipe];
}

/** Milliseconds between questions how much was written, and for which what was left running can put off the answer. */
const askMs = 10;
const heldMs = 2000;

/** Bytes that come after this were written when the program was gone. */
async function drain({ stream, written }: Pipe): Promise<void> {
  const isOver = (): boolean => stream.destroyed || stream.readableEnded;
  let all: number | undefined;
  for (let waited = 0; !isOver() && waited < heldMs; waited += askMs) {
    all = written();
    if (all !== undefined) break;
    await new Promise<void>((resolve) => void after(askMs, resolve));
  }
  if (all === undefined || isOver()) return;
  let left = all - (stream.bytesRead - stream.readableLength);
  if (left <= 0) return;
  await new Promise<void>((resolve) => {
    const take = (bytes: Uint8Array): void => {
      left -= bytes.length;
      if (left <= 0) finish();
    };
    const finish = (): void => {
      stream.off('data', take).off('close', finish);
      resolve();
    };
    stream.on('data', take).once('close', finish);
  });
}

/** @throws LaunchError ERR_EXEC, ERR_EXEC_NOT_FOUND */
export async function execute(
  { native, connection }: Surroundings,
  bytes: Uint8Array,
  fds: readonly [number, number, number] | readonly [number],
  command: string,
  gone: Promise<never>,
): Promise<Execution> {
  gone.catch(() => {});
  let end: (end: ProgramEnd) => void = () => {};
  const ended = new Promise<ProgramEnd>((resolve) => {
    end = resolve;
  });
  let id = 0;
  const started = new Promise<number>((resolve, reject) => {
    id = connection.execute(bytes, fds, {
      started: resolve,
      failed: (failure) => reject(executionError(native, command, failure)),
      ended: (how) => end(how),
    });
  });
  const wholly = Promise.race([ended, gone]);
  wholly.catch(() => {}); // none has to wait for it
  const startedNs = await Promise.race([started, gone]);
  return { startedNs, signal: (signal) => connection.signal(id, signal), ended: wholly };
}

/**
 * Starts a program.
 * @throws LaunchError ERR_EXEC, ERR_EXEC_NOT_FOUND
 */
export async function startProgram(
  shared: Surroundings,
  bytes: Uint8Array,
  command: string,
  gone: Promise<never>,
): Promise<StartedProgram> {
  const { native, spec } = shared;
  // Root's pipes are not the payload's, which could not open /dev/stdout again.
  const pipes = openPipes(native.payloadPipe, spec.identity.privileged ? spec.identity : undefined);
  const [stdin, stdout, stderr] = pipes;
  try {
    const fds = [stdin.given, stdout.given, stderr.given] as const;
    return {
      ...(await execute(shared, bytes, fds, command, gone)),
      stdin: stdin.stream,
      stdout: stdout.stream,
      stderr: stderr.stream,
      drained: async () => {
        await Promise.all([drain(stdout), drain(stderr)]);
      },
    };
  } catch (error) {
    for (const { stream } of pipes) stream.destroy();
    throw error;
  } finally {
    for (const { given } of pipes) closeDescriptor(given);
  }
}

/** A line for a shell, where a program was expected. */
function shellHint(line: string): string {
  return `No shell reads it. For a shell's line: ${byInterface({
    command: `wasbox exec SESSION -- sh -c ${shellQuote(line)}`,
    library: `session.exec({ lang: 'sh', code: ${JSON.stringify(line)} })`,
    mcp: 'give it as command of run_command, in one text',
  })}`;
}

function executionError(
  native: Native,
  command: string,
  { step, errno }: ProgramFailure,
): WasboxError {
  const { code, message } = native.errnoName(errno);
  const name = stepNames[step as keyof typeof stepNames];
  const options = { step: name, errno: code };
  if (step === WB_STEP_EXEC && code === 'ENOENT') {
    return new LaunchError('ERR_EXEC_NOT_FOUND', `${command}: not found in the sandbox`, {
      ...options,
      hint: /[\s|&;<>]/.test(command)
        ? shellHint(command)
        : spoken`If it is in your home, mount it when the session begins: --ro PATH`,
    });
  }
  if (step === WB_STEP_WORKDIR) {
    return new LaunchError('ERR_WORKDIR', `cwd: ${message}`, {
      ...options,
      hint: 'It is a directory inside the sandbox, as the programs of the session see it.',
    });
  }
  const refused = code === 'EPERM' || code === 'ENOSYS';
  const hint = refused
    ? 'The syscall policy of a session must allow clone, setsid and execve: allow @system-service'
    : code === 'ENOEXEC'
      ? 'It is neither a program for this machine nor a script with a #! line.'
      : undefined;
  return new LaunchError('ERR_EXEC', `cannot execute ${command}: ${message}`, { ...options, hint });
}
