/**
 * Processes of a session's language that have run its `preload` before there is code for them. Each runs the code
 * of one call, and ends with it: nothing of one call is left in the next one's process. What waits is a program of
 * the session like any other, and nothing it says is believed.
 */
import { UsageError } from '../errors/index.js';
import { type Runtime, runtimes } from '../pool/index.js';
import { languageByName, type SandboxSpec } from '../resolve/index.js';
import type { ExecPlace, StartedProgram } from './exec.js';
import { type ExecCode, type ExecProgram, wordsOf } from './program.js';
import { startFirst } from './programs.js';
import type { LiveSandbox } from './sandbox.js';

type Words = readonly (readonly string[])[];

/** The program that waits, and the sandbox that it waits in. */
interface Waiting {
  readonly live: LiveSandbox;
  readonly program: Promise<StartedProgram>;
  isOver: boolean;
}

export class Preloaded {
  readonly #runtime: Runtime;
  readonly #words: Words;
  #waiting: Waiting | undefined;

  constructor(runtime: Runtime, preload: string) {
    this.#runtime = runtime;
    this.#words = wordsOf({ lang: runtime.lang, code: runtime.boot(preload, false) });
  }

  /**
   * Returns whether a program is code in its language.
   * @param terminal whether it is to have a terminal of its own
   * @throws UsageError for preloaded code with a terminal: it arrives on the stdin of the waiting process, a pipe
   */
  serves(program: ExecProgram, terminal: boolean): program is ExecCode {
    if (Array.isArray(program)) return false;
    const { lang } = program as ExecCode;
    const serves = lang !== undefined && languageByName(lang)?.name === this.#runtime.lang;
    if (!serves || !terminal) return serves;
    const words = this.#runtime.lang === 'node' ? "'node', '-e'" : "'python3', '-c'";
    throw new UsageError('ERR_USAGE', 'tty: preloaded code cannot have a terminal', {
      hint: `Run the interpreter without the preload: session.exec([${words}, code], { tty: true })`,
    });
  }

  /** Starts what is to wait, where nothing does. */
  prepare(spec: SandboxSpec, live: LiveSandbox): void {
    if (this.#waiting !== undefined && this.#waiting.live === live && !this.#waiting.isOver) return;
    const program = startFirst(spec, live, this.#words, {});
    const waiting: Waiting = { live, program, isOver: false };
    const over = (): void => {
      waiting.isOver = true;
    };
    // It does not keep the process alive. The call that takes it gets its failure.
    program.then((started) => {
      for (const stream of streamsOf(started)) stream.unref();
      started.ended.then(over, over);
    }, over);
    this.#waiting = waiting;
  }

  /**
   * A process that has run the preload, or does so now, with the code of one call.
   * @param place if it differs from the session's, the process is started only now
   * @throws as `startFirst`
   */
  async start(
    spec: SandboxSpec,
    live: LiveSandbox,
    { code, args }: ExecCode,
    { cwd, env = {}, limits = {} }: ExecPlace,
  ): Promise<StartedProgram> {
    const plain =
      cwd === undefined &&
      Object.keys(limits).length === 0 &&
      Object.values(env).every((value) => value !== undefined);
    const found = plain ? this.#take(live) : undefined;
    const started = await (found ?? startFirst(spec, live, this.#words, { cwd, env, limits }));
    if (found !== undefined) for (const stream of streamsOf(started)) stream.ref();
    started.stdin.write(this.#runtime.encode({ code, args, env: found === undefined ? {} : env }));
    this.prepare(spec, live);
    return { ...started, startedNs: Number(process.hrtime.bigint()) };
  }

  #take(live: LiveSandbox): Promise<StartedProgram> | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting?.live === live && !waiting.isOver ? waiting.program : undefined;
  }
}

const streamsOf = ({ stdin, stdout, stderr }: StartedProgram) => [stdin, stdout, stderr];

/** @throws UsageError */
export function preloadedOf(lang: unknown, preload: unknown): Preloaded | undefined {
  if (preload === undefined) return undefined;
  if (typeof preload !== 'string') {
    throw new UsageError('ERR_OPTION_VALUE', 'preload must be a string', {
      hint: 'It is code in the language of the session.',
    });
  }
  const name = typeof lang === 'string' ? languageByName(lang)?.name : undefined;
  const runtime = Object.values(runtimes).find((one) => one.lang === name && one.preloads);
  if (runtime !== undefined) return new Preloaded(runtime, preload);
  throw new UsageError('ERR_OPTION_VALUE', 'preload needs a language that supports it', {
    hint: "Example: createSession({ lang: 'python', preload: 'import json' }). Languages: python, node.",
  });
}
