/** The types of a queue's job and of its result. Both are JSON. */
import type { RunReport } from '../index.js';

/** A file of a job: text, or bytes in base64. */
export type JobFile =
  | string
  | {
      readonly text?: string | undefined;
      readonly base64?: string | undefined;
      /** @default false */
      readonly executable?: boolean | undefined;
    };

/** Limits of one job. None can exceed what its worker allows. */
export interface JobLimits {
  /** Wall time in milliseconds. */
  readonly timeoutMs?: number | undefined;
  /** Processor time of all its processes, in milliseconds. */
  readonly cpuMs?: number | undefined;
  /** Memory of all its processes and in-memory files, in bytes. */
  readonly memoryBytes?: number | undefined;
  /** Processes and threads at a time. */
  readonly pids?: number | undefined;
  /** Open files per process. */
  readonly openFiles?: number | undefined;
  /** The most that it may store on disk, in bytes. */
  readonly diskBytes?: number | undefined;
  /** Files and directories that it creates. */
  readonly inodes?: number | undefined;
  /** Size of each file, in bytes. */
  readonly fileSizeBytes?: number | undefined;
  /** The most that it may write to stdout and stderr before it is stopped, in bytes. */
  readonly outputBytes?: number | undefined;
}

interface JobCommon {
  /** Files in the job's working directory, by their path in it, such as `src/main.py`. */
  readonly files?: Readonly<Record<string, JobFile>> | undefined;
  /** Input that the program reads from stdin: text, or bytes in base64. @default '' */
  readonly stdin?: string | { readonly base64: string } | undefined;
  /** Variables to set. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** @default the worker's */
  readonly limits?: JobLimits | undefined;
  /**
   * Hosts that the program can reach: `'none'`, or what the worker allows of `'internet'`, `'host'` or rules such
   * as `['example.org:443']`.
   * @default 'none'
   */
  readonly net?: 'none' | 'internet' | 'host' | readonly string[] | undefined;
  /** How the result has the output: text, with U+FFFD for bytes that are not UTF-8, or base64. @default 'utf8' */
  readonly encoding?: 'utf8' | 'base64' | undefined;
  /** True if the output is also sent while the program runs; see `outputOf`. @default false */
  readonly stream?: boolean | undefined;
}

/** Source text, run by the interpreter of its language. */
export interface CodeJob extends JobCommon {
  readonly code: string;
  /** `python`, `node`, `sh`, `bash`, `ruby` … @default 'sh' */
  readonly lang?: string | undefined;
  /** Arguments of the code. */
  readonly args?: readonly string[] | undefined;
  readonly argv?: undefined;
}

/** A command: a program that PATH finds inside the sandbox, or a path there, and its arguments. */
export interface CommandJob extends JobCommon {
  readonly argv: readonly [string, ...string[]];
  readonly code?: undefined;
  readonly lang?: undefined;
  readonly args?: undefined;
}

/** Describes what a worker is asked to run. */
export type SandboxJob = CodeJob | CommandJob;

/** How the program of a job ended. Its failure is a result, not an error: it is not tried again. */
export interface SandboxJobResult {
  /** The outcome in one word: `exited`, `signaled`, `timeout`, or `limit` for another limit. */
  readonly outcome: 'exited' | 'signaled' | 'timeout' | 'limit';
  /** Absent where a signal ended the program. */
  readonly exitCode?: number;
  /** Name of the signal that ended the program. */
  readonly signal?: string;
  /** The limit that ended it. */
  readonly limit?: string;
  readonly stdout: string;
  readonly stderr: string;
  /** How `stdout` and `stderr` are encoded. */
  readonly encoding: 'utf8' | 'base64';
  /** True if either lacks a part of what the program wrote. */
  readonly truncated: boolean;
  /** Bytes that the program wrote, also those that the result lacks. */
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  /** Wall time in milliseconds. */
  readonly durationMs: number;
  /** Processor time in milliseconds. */
  readonly cpuMs: number;
  /** Peak memory in bytes. */
  readonly memoryBytes: number;
  /** Calls that the sandbox blocked. */
  readonly refusals: number;
  /** The number of this attempt of the job, from 1 on. */
  readonly attempt: number;
  /** Name of the worker. */
  readonly worker: string;
  /** The run report, where the worker adds reports and it is not too long. */
  readonly report?: RunReport;
}

/** A piece of output, sent while the program runs. */
export interface OutputPiece {
  readonly stream: 'stdout' | 'stderr';
  /** Encoded as the job says. */
  readonly text: string;
}

/** The value of `job.progress` while a job runs. */
export interface JobProgress {
  /** The number of the attempt, from 1 on; a new one sends its output from the start. */
  readonly attempt: number;
  /** The number of this report, from 1 on; one that is missing was dropped by the server. */
  readonly sequence: number;
  /** Bytes written up to now. */
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  /** Output since the last one; empty where the job does not ask for it. */
  readonly pieces: readonly OutputPiece[];
}
