export interface Figures {
  readonly count: number;
  /** Milliseconds. */
  readonly median: number;
  readonly p95: number;
}

export const endless: readonly (readonly [
  name: string,
  options: readonly string[],
  command: readonly string[],
])[];

export function probeWhile(
  file: string,
  during: (probe: { begin(): void; count(): number }) => Promise<unknown>,
): Promise<Figures>;
