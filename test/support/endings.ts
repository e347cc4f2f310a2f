/** Programs and limits, and every way to run them: what each tells of their end, for comparison. */
import { createPool, createSession, isWasboxError, run, spawn } from '../../src/index.js';

/** Says what is run, and with what. Streams and callbacks are made anew for each way. */
export interface Case {
  readonly code: string;
  /** @default 'sh' */
  readonly lang?: 'sh' | 'python';
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Limits of the program, in sessions of the program too. */
  readonly limits?: Readonly<Record<string, unknown>>;
  /** Options of the sandbox. */
  readonly sandbox?: Readonly<Record<string, unknown>>;
  /** Returns the options of the call beside the sandbox. */
  readonly call?: () => Readonly<Record<string, unknown>>;
}

/** How it ended, in words. */
export type Told = Readonly<Record<string, unknown>>;

type Ended = Readonly<Record<string, unknown>>;

/** The words of a result; undefined ones are left out. */
function wordsOf(result: Ended): Told {
  const names = ['outcome', 'limit', 'exitCode', 'signal', 'timedOut', 'stdout', 'stderr', 'all'];
  const told = [...names, 'truncated'].map((name) => [name, result[name]] as const);
  return Object.fromEntries(told.filter(([, value]) => value !== undefined));
}

export async function tell(work: () => Promise<Ended>): Promise<Told> {
  try {
    return wordsOf(await work());
  } catch (error) {
    const { name, code, message, hint, cause, result } = error as Error & Ended;
    if (!isWasboxError(error)) return { threw: `${name}: ${message}` };
    const ended = result === undefined ? {} : { result: wordsOf(result as Ended) };
    return { name, code, message, hint, ...(cause === undefined ? {} : { cause }), ...ended };
  }
}

async function text(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

type Way = (one: Case, workdir: string) => Promise<Told>;

const runs: Way = ({ limits, sandbox, call, ...program }, workdir) =>
  tell(async () =>
    asEnded(await run({ lang: 'sh', ...program, workdir, ...sandbox, ...limits, ...call?.() })),
  );

const asEnded = (result: object): Ended => result as Ended;

/** The child's streams are read here, so that it takes no input and no callbacks. */
const spawns: Way = ({ limits, sandbox, call, ...program }, workdir) =>
  tell(async () => {
    await using child = await spawn({
      ...{ lang: 'sh', ...program, workdir, ...sandbox, ...limits },
      ...call?.(),
    });
    child.stdin.end();
    const [stdout, stderr] = [text(child.stdout), text(child.stderr)];
    const result = asEnded(await child.result);
    return { ...result, stdout: await stdout, stderr: await stderr, truncated: false };
  });

const pools: Way = ({ limits = {}, sandbox, call, lang = 'sh', ...program }, workdir) =>
  tell(async () => {
    const { timeoutMs, ...others } = limits;
    const options = { lang, size: 1, workdir, ...sandbox, ...others };
    await using pool = await createPool(options);
    const task = { ...program, timeoutMs: timeoutMs as number | undefined, ...call?.() };
    return asEnded(await pool.run(task));
  });

const sessions: Way = ({ limits, sandbox, call, env, lang = 'sh', ...program }, workdir) =>
  tell(async () => {
    await using session = await createSession({ workdir, changes: 'discard', ...sandbox });
    const options = { env, ...limits, ...call?.() };
    return asEnded(await session.exec({ lang, ...program }, options));
  });

const sessionSpawns: Way = ({ limits, sandbox, call, env, lang = 'sh', ...program }, workdir) =>
  tell(async () => {
    await using session = await createSession({ workdir, changes: 'discard', ...sandbox });
    const child = await session.spawn({ lang, ...program }, { env, ...limits, ...call?.() });
    child.stdin.end();
    const [stdout, stderr] = [text(child.stdout), text(child.stderr)];
    const result = asEnded(await child.result);
    return { ...result, stdout: await stdout, stderr: await stderr, truncated: false };
  });

/** The ways by the call that a program makes. */
export const ways: Readonly<Record<string, Way>> = {
  'run()': runs,
  'spawn()': spawns,
  'pool.run()': pools,
  'session.exec()': sessions,
  'session.spawn()': sessionSpawns,
};
