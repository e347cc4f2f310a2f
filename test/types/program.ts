/**
 * The code that a program's author writes, for compilers with every setting that changes what a declaration means:
 * test/integration/types.test.ts compiles it against the installed package.
 */
import type { Readable, Writable } from 'node:stream';
import {
  AbortError,
  createPool,
  createSession,
  isWasboxError,
  type KeptRun,
  listRuns,
  openRun,
  type RunResult,
  run,
  type Sandbox,
  spawn,
  type TerminalProcess,
  type TerminalSandbox,
} from 'wasbox';
import { compilePolicy } from 'wasbox/policy';

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>): void => {};

export async function forms(): Promise<void> {
  same<RunResult, Awaited<ReturnType<typeof run>>>(true);
  await run('make');
  await run('make', ['test']);
  await run('make', ['test'], { timeoutMs: 1000 });
  await run('make', { args: ['test'], env: process.env });
  await run({ command: 'make', args: ['test'] });
  await run({ code: 'print(1)', lang: 'python' });
  const { stdout, kept, outcome, report } = await run('x', {
    changes: { success: 'apply', failure: 'keep' },
  });
  same<typeof stdout, string>(true);
  same<typeof kept, KeptRun | undefined>(true);
  same<typeof report.refusals.total, number>(true);
  same<typeof outcome, 'exited' | 'signaled' | 'timeout' | 'limit'>(true);
}

export async function streams(): Promise<void> {
  const piped = await spawn('cat');
  same<typeof piped.stdin, Writable>(true);
  same<typeof piped.stdout, Readable>(true);
  const quiet = await spawn('cat', { stdio: ['ignore', 'pipe', 'inherit'] });
  same<typeof quiet.stdin, null>(true);
  same<typeof quiet.stdout, Readable>(true);
  same<typeof quiet.stderr, null>(true);
  const any: Sandbox = quiet;
  same<typeof any.stdout, Readable | null>(true);
  for await (const line of piped.stdoutLines()) same<typeof line, string>(true);
}

export async function terminals(): Promise<void> {
  const shell = await spawn('bash', ['-i'], { tty: { columns: 80, rows: 24 } });
  same<typeof shell.stdin, Writable>(true);
  shell.resize({ columns: 100, rows: 30 });
  const other: TerminalSandbox = await spawn({ code: 'tty', tty: true });
  await other[Symbol.asyncDispose]();
  await run('tty', { tty: true, input: { file: 'keys' } });
  await run('tty', { tty: 'always' });
  await using session = await createSession();
  await session.exec(['tty'], { tty: Math.random() > 0.5 });
  const inside: TerminalProcess = await session.spawn(['tty'], { tty: true });
  inside.resize({ columns: 100, rows: 30 });
}

export async function inputs(stream: Readable): Promise<void> {
  await run('cat', { input: 'text' });
  await run('cat', { input: new Uint8Array(3) });
  await run('cat', { input: stream });
  await run('cat', { input: { file: 'x' } });
  await run('cat', {
    input: (async function* () {
      yield 'a';
    })(),
  });
}

export async function others(): Promise<void> {
  const pool = await createPool({ lang: 'python', preload: 'import json', size: 2 });
  await pool.run({ code: 'print(1)', env: { A: undefined } });
  await pool.close({ force: true });
  await createPool({ command: 'tr', args: ['a', 'b'] });
  await using session = await createSession({ workdir: '.', idleMs: 1000, changes: 'apply' });
  const { exitCode, stdout } = await session.exec(['make', 'test'], { env: { A: undefined } });
  same<typeof exitCode, number | undefined>(true);
  stdout.trim();
  const process = await session.spawn({ lang: 'python', code: 'print(1)' }, { cwd: 'a' });
  process.stdin.end('x');
  for (const { name, type } of await session.files.list('a'))
    if (type === 'file') (await session.files.readText(name)).trim();
  for (const { id } of await listRuns({ workdir: '.' }))
    await (await openRun(id)).apply({ dryRun: true });
  try {
    await run('x', { signal: AbortSignal.timeout(5) });
  } catch (error) {
    if (error instanceof AbortError)
      same<typeof error.code extends string ? true : false, true>(true);
    if (isWasboxError(error)) error.hint?.trim();
  }
  compilePolicy({ builtin: 'default' });
}

export async function mistakes(): Promise<void> {
  // @ts-expect-error code and command exclude each other
  await run({ command: 'make', code: 'x' });
  // @ts-expect-error neither
  await run({ timeoutMs: 5 });
  // @ts-expect-error no such option
  await run('make', { timout: 5 });
  // @ts-expect-error args are strings
  await run('make', [5]);
  // @ts-expect-error of another kind
  await run('make', { input: 5 });
  // @ts-expect-error a pool waits with a language or a command
  await createPool({ size: 2 });
  // @ts-expect-error not both
  await createPool({ lang: 'python', command: 'tr' });
  // @ts-expect-error a session is given its programs later
  await createSession({ command: 'make' });
  // @ts-expect-error spawn has streams
  await spawn('cat', { input: 'x' });
  // @ts-expect-error the terminal is all three streams
  await spawn('cat', { tty: true, stdio: ['pipe', 'pipe', 'pipe'] });
  const piped = await spawn('cat');
  // @ts-expect-error it has no terminal
  piped.resize({ columns: 80, rows: 24 });
  // @ts-expect-error a size has both
  await run('cat', { tty: { columns: 80 } });
  await using session = await createSession();
  const inside = await session.spawn(['cat']);
  // @ts-expect-error nor has this
  inside.resize({ columns: 80, rows: 24 });
  const quiet = await spawn('cat', { stdio: ['ignore', 'pipe', 'pipe'] });
  // @ts-expect-error there is no stream
  quiet.stdin.end();
}
