/** Limits that ended a run or refused it more, and what it used. */
import { constants } from 'node:os';
import {
  WB_LIMIT_CPU,
  WB_LIMIT_DISK,
  WB_LIMIT_INODES,
  WB_LIMIT_MEMORY,
  WB_LIMIT_OPEN_FILES,
  WB_LIMIT_OUTPUT,
  WB_LIMIT_PRIVATE_BYTES,
  WB_LIMIT_PRIVATE_INODES,
  WB_LIMIT_PROCESSES,
} from '../native/index.js';
import { sizeText } from '../options/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import { durationText } from './duration.js';
import type { ReportInput } from './input.js';
import type { LimitName, ReachedLimit, RunReport } from './types.js';

const names: Readonly<Record<number, LimitName>> = {
  [WB_LIMIT_CPU]: 'cpu',
  [WB_LIMIT_MEMORY]: 'memory',
  [WB_LIMIT_DISK]: 'disk',
  [WB_LIMIT_INODES]: 'inodes',
  [WB_LIMIT_OUTPUT]: 'output',
  [WB_LIMIT_PROCESSES]: 'pids',
  [WB_LIMIT_OPEN_FILES]: 'open-files',
  [WB_LIMIT_PRIVATE_BYTES]: 'disk',
  [WB_LIMIT_PRIVATE_INODES]: 'inodes',
};

const inMemory: readonly number[] = [WB_LIMIT_PRIVATE_BYTES, WB_LIMIT_PRIVATE_INODES];

/** Returns which limit ended a run, or a program of a session; undefined if none did. @param limit WB_LIMIT_* */
export function limitThatEnded(limit: number, signal: number): LimitName | undefined {
  const name = names[limit];
  if (name !== undefined) return name;
  // The kernel sends this to a process whose file grows beyond RLIMIT_FSIZE.
  return signal === constants.signals.SIGXFSZ ? 'file-size' : undefined;
}

/** Limits that end a run. */
const ending: readonly LimitName[] = ['cpu', 'memory', 'disk', 'inodes'];

/** Limits at which the program was refused more, or that it had passed; a bit of `reached` for each. */
export function reachedLimits(reached: number): ReachedLimit[] {
  return Object.entries(names)
    .map(([bit, limit]) => ({ bit: Number(bit), limit }))
    .filter(({ bit }) => ((reached >>> bit) & 1) === 1)
    .map(({ bit, limit }) =>
      inMemory.includes(bit) ? { limit, place: 'memory files' } : { limit },
    );
}

type LimitUsage = Omit<RunReport['usage'], 'userMs' | 'systemMs' | 'maxRssBytes'>;

export const noUsage: LimitUsage = {
  cpuMs: 0,
  memoryBytes: 0,
  processes: 0,
  diskBytes: 0,
  diskInodes: 0,
  privateBytes: 0,
  privateInodes: 0,
};

/** Returns what the run used. A short run ends before the supervisor's first sample. */
export function reportUsage(spec: SandboxSpec, { outcome, finish }: ReportInput): LimitUsage {
  const { usage, userUs, systemUs, maxRssKiB } = outcome;
  return {
    cpuMs: Math.max(usage.cpuUs, userUs + systemUs) / 1000,
    memoryBytes: Math.max(usage.memoryBytes, maxRssKiB * 1024),
    processes: Math.max(usage.processes, 1),
    diskBytes: Math.max(usage.diskBytes, finish?.summary.sizeBytes ?? 0),
    diskInodes: usage.diskInodes,
    privateBytes: usage.privateBytes,
    privateInodes: usage.privateInodes,
    ...(spec.limits.outputBytes === undefined ? {} : { outputBytes: usage.outputBytes }),
  };
}

type Limits = RunReport['sandbox']['limits'];

/** `512 MiB`. */
export function sizeWords(bytes: number): string {
  const [, number, unit] = /^([\d.]+)([KMGT]?)$/.exec(sizeText(bytes)) ?? [];
  return unit ? `${number} ${unit}iB` : `${number} bytes`;
}

/** The next size worth trying. */
const more = (bytes: number): string => sizeText(2 ** Math.ceil(Math.log2(bytes * 1.5)));

/** Returns what exceeded a limit, and the option that raises it. */
function limitWords(limit: LimitName, limits: Limits): readonly [what: string, option: string] {
  const size = (bytes = 0): string => sizeWords(bytes);
  switch (limit) {
    case 'timeout':
      return [`ran longer than ${durationText(limits.timeoutMs ?? 0)}`, '--timeout'];
    case 'cpu':
      return [`used more than ${durationText(limits.cpuMs ?? 0)} of processor time`, '--cpu'];
    case 'memory':
      return [
        `used more than ${size(limits.memoryBytes)} of memory`,
        `--memory ${more(limits.memoryBytes ?? 1)}`,
      ];
    case 'disk':
      return [
        `stored more than ${size(limits.diskBytes)} on disk`,
        `--disk ${more(limits.diskBytes ?? 1)}`,
      ];
    case 'inodes':
      return [`created more than ${limits.inodes} files`, `--inodes ${2 * (limits.inodes ?? 1)}`];
    case 'output':
      return [
        `wrote more than ${size(limits.outputBytes)} to stdout and stderr`,
        `--max-output ${more(limits.outputBytes ?? 1)}`,
      ];
    case 'pids':
      return [
        `needed more than ${limits.processes} processes and threads`,
        `--pids ${2 * (limits.processes ?? 1)}`,
      ];
    case 'open-files':
      return [
        `had ${limits.openFiles} files open in one process, as many as it may`,
        `--open-files ${2 * (limits.openFiles ?? 1)}`,
      ];
    case 'file-size': {
      const { fileSizeBytes = 1, diskBytes } = limits;
      const option = fileSizeBytes === diskBytes ? '--disk' : '--file-size';
      return [
        `wrote a file larger than ${size(fileSizeBytes)}`,
        `${option} ${more(fileSizeBytes)}`,
      ];
    }
  }
}

/**
 * Returns what a run lacked of a limit, and the option that raises it; without a value where a longer time must be
 * chosen.
 */
export function limitLack(
  limit: LimitName,
  limits: Limits,
): { readonly what: string; readonly option: string } {
  const [what, option] = limitWords(limit, limits);
  return { what, option };
}

/** The line about the limit that ended a run. */
export function endedLine(limit: LimitName, limits: Limits): string {
  const [what, option] = limitWords(limit, limits);
  return `killed: ${what}. Raise the limit with ${option}`;
}

/** The line about a run that was killed after a second interrupt. */
export function interruptedLine({ graceMs = 0 }: Limits): string {
  return `killed: still running ${durationText(graceMs)} after a second interrupt. Give it more time with --grace`;
}

/** The line about a limit that refused a run more, or that it passed just before its own end. */
export function reachedLine({ limit, place }: ReachedLimit, limits: Limits): string {
  if (place !== undefined) {
    const full =
      limit === 'disk'
        ? `${sizeWords(limits.privateBytes)} of space`
        : `${limits.privateInodes} files`;
    return `blocked: it used all ${full} of /tmp and other in-memory directories. The working directory has more`;
  }
  const [what, option] = limitWords(limit, limits);
  if (ending.includes(limit)) {
    return `over the limit when it ended: it ${what}. Raise the limit with ${option}`;
  }
  return `blocked: it ${what}. Raise the limit with ${option}`;
}
