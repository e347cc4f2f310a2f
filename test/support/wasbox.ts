/** Starts programs, plainly or through wasbox, as one of the identities. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { environmentOf, type Identity } from './identity.js';
import { nativeOf, throughFront, throughNode, twoWaysArgv } from './two-ways.js';

export interface StartOptions {
  readonly as: Identity;
  /** @default the identity's scratch directory */
  readonly cwd?: string | undefined;
  /** Added to the identity's fixed environment. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly stdin?: string | Uint8Array | undefined;
  /** Milliseconds after which the test fails, the process killed. @default 300 000 */
  readonly timeoutMs?: number | undefined;
  /** The further streams of the child, for instance more descriptors. */
  readonly stdio?: SpawnOptions['stdio'] | undefined;
  /** True for a process group of its own. @default false */
  readonly detached?: boolean | undefined;
}

export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** stdout and stderr as text, for messages and simple checks. */
  readonly out: string;
  readonly err: string;
}

/** Starts a program as the identity and leaves it running. */
export function startProgram(argv: readonly string[], options: StartOptions): ChildProcess {
  const [file = '', ...args] = argv;
  const switchUser = process.getuid?.() !== options.as.uid;
  return spawn(file, args, {
    cwd: options.cwd ?? options.as.scratch,
    env: { ...environmentOf(options.as), ...options.env },
    stdio: options.stdio ?? 'pipe',
    detached: options.detached ?? false,
    ...(switchUser ? { uid: options.as.uid, gid: options.as.gid } : {}),
  });
}

/** The arguments with the option for the identity's isolation. */
const isolated = ({ isolation = 'namespaces' }: Identity, args: readonly string[]): string[] =>
  args[0] !== 'run' || isolation === 'namespaces'
    ? [...args]
    : ['run', '--isolation', isolation, ...args.slice(1)];

/** argv that runs wasbox with these arguments, as the installed command does. */
export function wasboxArgv(as: Identity, given: readonly string[]): string[] {
  const args = isolated(as, given);
  if (throughFront) return twoWaysArgv(as, args);
  return throughNode ? nodeArgv(as, args) : [nativeOf(as), ...args];
}

/** argv that runs wasbox in Node. */
export const nodeArgv = (as: Identity, args: readonly string[]): string[] => [
  process.execPath,
  as.cli,
  ...args,
];

export function startWasbox(args: readonly string[], options: StartOptions): ChildProcess {
  return startProgram(wasboxArgv(options.as, args), options);
}

/** Collects what a started program writes, and waits for its end. */
export function ended(child: ChildProcess, options: StartOptions): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
    const limit = options.timeoutMs ?? 300_000;
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      const seen = Buffer.concat([...out, ...err])
        .toString('utf8')
        .slice(-2000);
      reject(new Error(`no end after ${limit} ms: ${child.spawnargs.join(' ')}\n${seen}`));
    }, limit);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      const stdout = Buffer.concat(out);
      const stderr = Buffer.concat(err);
      resolve({
        status,
        signal,
        stdout,
        stderr,
        out: stdout.toString('utf8'),
        err: stderr.toString('utf8'),
      });
    });
    // A program need not read its input.
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.stdin ?? '');
  });
}

/** Runs a program as the identity, outside any sandbox. */
export function runProgram(argv: readonly string[], options: StartOptions): Promise<Ended> {
  return ended(startProgram(argv, options), options);
}

/** Runs `wasbox` with these arguments. */
export function runWasbox(args: readonly string[], options: StartOptions): Promise<Ended> {
  return ended(startWasbox(args, options), options);
}
