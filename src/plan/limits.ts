/** The limits of a plan: those that the kernel keeps for each process, and those that the supervisor keeps. */
import type { SandboxSpec } from '../resolve/index.js';
import { rlimitLayout, rlimitSize } from './wire.generated.js';
import type { PlanWriter } from './writer.js';

const RLIMIT_FSIZE = 1;
const RLIMIT_CORE = 4;
const RLIMIT_NPROC = 6;
const RLIMIT_NICE = 13;
const RLIMIT_RTPRIO = 14;
const RLIMIT_NOFILE = 7;
const RLIMIT_MEMLOCK = 8;
const RLIMIT_SIGPENDING = 11;
const RLIMIT_MSGQUEUE = 12;

function resourceLimits(spec: SandboxSpec): [resource: number, limit: number][] {
  // 1, not 0: with 0 the kernel still starts a crash handler that core_pattern pipes to, as root of
  // the host, with the payload's memory (fs/coredump.c); with 1 it does not, nor writes a file.
  // No priority above others, even where the caller may: a busy loop would take the machine.
  const limits: [number, number][] = [
    [RLIMIT_CORE, 1],
    [RLIMIT_NICE, 0],
    [RLIMIT_RTPRIO, 0],
    // The kernel counts these for each user, namespaces or not: a part of what is usual (8 MiB of
    // locked memory, tens of thousands of signals and timers, 800 kB of message queues).
    [RLIMIT_MEMLOCK, 4 * 1024 ** 2],
    [RLIMIT_SIGPENDING, 4096],
    [RLIMIT_MSGQUEUE, 409_600],
  ];
  if (spec.limits.processes !== undefined) limits.push([RLIMIT_NPROC, spec.limits.processes]);
  if (spec.limits.openFiles !== undefined) limits.push([RLIMIT_NOFILE, spec.limits.openFiles]);
  if (spec.limits.fileSizeBytes !== undefined)
    limits.push([RLIMIT_FSIZE, spec.limits.fileSizeBytes]);
  return limits;
}

export function writeResourceLimits(writer: PlanWriter, spec: SandboxSpec) {
  const limits = resourceLimits(spec);
  const rlimits = writer.reserve(limits.length * rlimitSize);
  for (const [i, [resource, limit]] of limits.entries()) {
    writer.fields(rlimits + i * rlimitSize, rlimitLayout, { resource, soft: limit, hard: limit });
  }
  return { rlimits, rlimitCount: limits.length };
}

export const limitFields = ({ limits }: SandboxSpec) => ({
  privateBytes: limits.privateBytes,
  privateInodes: limits.privateInodes,
  memoryBytes: limits.memoryBytes ?? 0,
  cpuUs: (limits.cpuMs ?? 0) * 1000,
  diskBytes: limits.diskBytes ?? 0,
  diskInodes: limits.inodes ?? 0,
  outputBytes: limits.outputBytes ?? 0,
  processes: limits.processes ?? 0,
  openFiles: limits.openFiles ?? 0,
});
