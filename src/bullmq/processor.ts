/** Executes one job after the other, as BullMQ calls it: a check, a sandbox, a result. */
import { type Job, UnrecoverableError, WaitingError } from 'bullmq';
import { type Pool, type RunLibraryOptions, type RunResult, run } from '../index.js';
import { netWord } from '../options/index.js';
import { limitsOf, networkOf } from './caps.js';
import type { JobDirectories } from './directory.js';
import { classOf, failureText } from './failure.js';
import type { JobProgress, SandboxJob, SandboxJobResult } from './job.js';
import type { JobMetrics } from './metrics.js';
import type { JobPool, WorkerSettings } from './options.js';
import { toJobResult } from './result.js';
import { readJob } from './schema.js';
import { OutputStream } from './stream.js';

export type QueueJob = Job<SandboxJob, SandboxJobResult>;

export interface ProcessorParts {
  readonly settings: WorkerSettings;
  readonly directories: JobDirectories;
  readonly metrics: JobMetrics;
  readonly pool: { readonly sandboxes: Pool; readonly program: JobPool } | undefined;
  /** Aborted when the worker ends and gives up what runs. */
  readonly ending: AbortSignal;
}

/** The options that `run` and `pool.run` both take. */
type Common = Pick<
  RunLibraryOptions,
  'input' | 'maxOutputBytes' | 'onStderr' | 'onStdout' | 'signal'
>;

const inputOf = ({ stdin }: SandboxJob): string | Uint8Array =>
  typeof stdin === 'object' ? Buffer.from(stdin.base64, 'base64') : (stdin ?? '');

/**
 * Returns what is executed. A command goes through a shell inside: wasbox itself would look for it, and for what its
 * file says, among the files of this machine.
 */
const programOf = (job: SandboxJob): { code: string; lang: string; args: readonly string[] } =>
  job.argv === undefined
    ? { code: job.code, lang: job.lang ?? 'sh', args: job.args ?? [] }
    : { code: 'exec "$@"', lang: 'sh', args: job.argv };

export class Processor {
  readonly #parts: ProcessorParts;
  #running = 0;

  constructor(parts: ProcessorParts) {
    this.#parts = parts;
  }

  /** Returns whether a job needs nothing that a sandbox of the pool lacks. */
  #fitsPool(job: SandboxJob): boolean {
    const { pool } = this.#parts;
    if (pool === undefined || job.code === undefined) return false;
    const limits = Object.keys(job.limits ?? {}).every((name) => name === 'timeoutMs');
    const bare = job.files === undefined && netWord(job.net ?? 'none') === 'none';
    return bare && limits && (job.lang ?? 'sh') === pool.program.lang;
  }

  async #execute(job: SandboxJob, common: Common): Promise<RunResult> {
    const { settings, directories, pool } = this.#parts;
    const limits = limitsOf(job, settings.defaults, settings.most);
    const net = networkOf(job, settings.net);
    if (pool !== undefined && this.#fitsPool(job)) {
      const { code = '', args, env } = job;
      const { timeoutMs } = limits;
      return pool.sandboxes.run({ ...common, code, args, env, timeoutMs });
    }
    const workdir = await directories.fill(job.files);
    try {
      const { netDeny, env, ...others } = settings.run;
      return await run({
        with: 'none', // a job's script does not decide what its worker fetches
        ...others,
        ...limits,
        ...common,
        ...programOf(job),
        workdir,
        chdir: workdir,
        env: { ...env, ...job.env },
        changes: 'discard',
        net,
        ...(net === 'none' || netDeny === undefined ? {} : { netDeny }),
      });
    } finally {
      await directories.remove(workdir);
    }
  }

  /** @throws UnrecoverableError, WaitingError, or what BullMQ tries again */
  async process(job: QueueJob, token?: string, signal?: AbortSignal): Promise<SandboxJobResult> {
    const { metrics } = this.#parts;
    metrics.started();
    this.#running += 1;
    try {
      const result = await this.#run(job, signal);
      metrics.ended(result.outcome, result);
      return result;
    } catch (error) {
      const kind = classOf(error);
      metrics.ended(kind);
      throw await this.#failure(kind, error, job, token);
    } finally {
      this.#running -= 1;
    }
  }

  /** True if no job runs. */
  get isIdle(): boolean {
    return this.#running === 0;
  }

  async #run(job: QueueJob, signal: AbortSignal | undefined): Promise<SandboxJobResult> {
    const { settings, ending } = this.#parts;
    const data = readJob(job.data, {
      maxBytes: settings.maxJobBytes,
      maxFiles: settings.maxFiles,
    });
    const attempt = job.attemptsMade + 1;
    const { encoding = 'utf8', stream = false } = data;
    const output = new OutputStream({
      attempt,
      encoding,
      pieces: stream,
      maxBytes: settings.maxResultBytes,
      send: (progress: JobProgress) => job.updateProgress(progress),
    });
    try {
      const result = await this.#execute(data, {
        input: inputOf(data),
        maxOutputBytes: settings.maxResultBytes,
        onStdout: (chunk) => output.write('stdout', chunk),
        onStderr: (chunk) => output.write('stderr', chunk),
        signal: signal === undefined ? ending : AbortSignal.any([signal, ending]),
      });
      await output.end();
      const { stdoutBytes, stderrBytes } = output;
      const { name: worker } = settings;
      return toJobResult(result, { attempt, worker, encoding, stdoutBytes, stderrBytes }, settings);
    } finally {
      output.stop();
    }
  }

  async #failure(
    kind: ReturnType<typeof classOf>,
    error: unknown,
    job: QueueJob,
    token: string | undefined,
  ): Promise<Error> {
    const { settings, ending } = this.#parts;
    if (kind === 'ended' && ending.aborted) {
      // The job is not at fault, so it costs none of its attempts.
      await job.moveToWait(token);
      return new WaitingError();
    }
    const text = failureText(error);
    const last = job.attemptsMade + 1 >= settings.maxAttempts;
    return kind === 'worker' && !last ? new Error(text) : new UnrecoverableError(text);
  }
}
