/** The limits of a job of a queue where its worker says nothing else: a job without limits is not for a queue. */
export const jobLimits = {
  timeoutMs: 60_000,
  cpuMs: 60_000,
  memoryBytes: 512 * 1024 * 1024,
  pids: 64,
  openFiles: 1024,
  diskBytes: 256 * 1024 * 1024,
  inodes: 10_000,
  fileSizeBytes: 256 * 1024 * 1024,
  outputBytes: 16 * 1024 * 1024,
} as const;
