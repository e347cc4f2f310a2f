export interface FinishedJob {
  readonly data: Readonly<Record<string, unknown>>;
  readonly returnvalue: unknown;
}

export function hostileJobs(count: number): Readonly<Record<string, unknown>>[];

export function checkLimits(
  check: (what: string, ok: boolean, detail?: string) => void,
  jobs: readonly FinishedJob[],
): void;
