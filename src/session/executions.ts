/** Executes programs in a session, and init's own operations on files. */
import { RunError } from '../errors/index.js';
import { holdInput, leadsFinder, terminalSizeOf } from '../launch/index.js';
import type { OwnLimits } from '../plan/index.js';
import { type SandboxSpec, terminalVariables } from '../resolve/index.js';
import { checkExec } from './check.js';
import { type ExecPlace, execBytes, type StartedProgram, startProgram } from './exec.js';
import type { Carry } from './files.js';
import { asOption, asProperty, ownLimits } from './limits.js';
import type { ExecOptions, ProgramOptions } from './options.js';
import type { Preloaded } from './preloaded.js';
import { type ExecProgram, wordsOf } from './program.js';
import { accompany, around, collect, type OwnedProcess, startFirst } from './programs.js';
import type { SessionQuestions } from './questions.js';
import { watchRefused } from './refused.js';
import { ProgramLog } from './report.js';
import { type ExecResult, execEnd } from './result.js';
import type { LiveSandbox } from './sandbox.js';
import type { Sandboxes } from './sandboxes.js';
import { startAtTerminal, type TerminalProgram } from './terminal.js';
import type { Turns } from './turns.js';

interface ExecutionsOf {
  readonly spec: SandboxSpec;
  readonly sandboxes: Sandboxes;
  readonly turns: Turns;
  readonly preloaded: Preloaded | undefined;
  readonly questions: SessionQuestions | undefined;
}

export class Executions {
  readonly #of: ExecutionsOf;
  readonly log = new ProgramLog();

  constructor(of: ExecutionsOf) {
    this.#of = of;
  }

  async exec(program: ExecProgram, options: ExecOptions): Promise<ExecResult> {
    const { spec, sandboxes, turns, questions } = this.#of;
    const words = wordsOf(program);
    checkExec('exec', options);
    const limits = ownLimits(asProperty('exec'), options, spec.limits);
    const closeInput = holdInput(options.input);
    const start = async (): Promise<ExecResult> => {
      const live = await sandboxes.current();
      const noteEnd = this.log.add(words[0] ?? []);
      const seen = questions?.seen ?? 0;
      const denied =
        questions === undefined ? watchRefused(spec, live) : () => questions.deniedSince(seen);
      const started = await this.#start(live, program, words, options, limits);
      const leads = leadsFinder(spec, words[0] ?? [], options.env);
      const result = await collect(spec, live, started, options, noteEnd, leads);
      return Object.assign(result, { denied: await denied() });
    };
    return turns.with(options.signal, start).finally(closeInput);
  }

  async spawn(program: ExecProgram, options: ProgramOptions): Promise<OwnedProcess> {
    const { spec, sandboxes, turns } = this.#of;
    const words = wordsOf(program);
    checkExec('spawn', options);
    const limits = ownLimits(asProperty('spawn'), options, spec.limits);
    return turns.with(options.signal, async () => {
      const live = await sandboxes.current();
      const noteEnd = this.log.add(words[0] ?? []);
      const started = await this.#start(live, program, words, options, limits);
      return accompany(spec, live, started, options, noteEnd, turns.keep());
    });
  }

  #start(
    live: LiveSandbox,
    program: ExecProgram,
    words: readonly (readonly string[])[],
    { env, cwd, tty }: ProgramOptions,
    limits: OwnLimits,
  ): Promise<StartedProgram> {
    const { spec, preloaded } = this.#of;
    const terminal = terminalSizeOf(tty);
    const variables = terminal === undefined ? env : { ...terminalVariables(spec.env), ...env };
    const place = { env: variables, cwd, limits, terminal };
    return preloaded?.serves(program, terminal !== undefined)
      ? preloaded.start(spec, live, program, place)
      : startFirst(spec, live, words, place);
  }

  /** A command of the command line. */
  spawnAtTerminal(program: ExecProgram, place: ExecPlace): Promise<TerminalProgram> {
    const { spec, sandboxes, turns } = this.#of;
    const [argv = []] = wordsOf(program);
    const limits = this.requireLimits(place.limits ?? {});
    return turns.with(undefined, async () => {
      const live = await sandboxes.current();
      const noteEnd = this.log.add(argv);
      const bytes = execBytes(spec, argv, { ...place, limits });
      const started = await startAtTerminal(around(spec, live), bytes, argv[0] ?? '', live.gone);
      const release = turns.keep();
      started.ended.then((end) => {
        noteEnd(execEnd(end, started.startedNs, false));
        release();
      }, release);
      return started;
    });
  }

  /** @throws UsageError */
  requireLimits(limits: OwnLimits): OwnLimits {
    return ownLimits(asOption, limits, this.#of.spec.limits);
  }

  /** An operation of init's own on a file. */
  readonly carry: Carry = (exec, what, { input, maxBytes }) => {
    const { spec, sandboxes, turns } = this.#of;
    const closeInput = holdInput(input);
    const work = async (): ReturnType<Carry> => {
      const live = await sandboxes.current();
      const started = await startProgram(around(spec, live), exec, what, live.gone);
      const found = await collect(spec, live, started, { input, maxOutputBytes: maxBytes });
      const { exitCode, signal, stdoutBytes, truncated } = found;
      if (signal === undefined) return { status: exitCode ?? 0, bytes: stdoutBytes, truncated };
      throw new RunError('ERR_SESSION_FILE', `session.${what}: a program of the session killed it`);
    };
    return turns.with(undefined, work).finally(closeInput);
  };
}
