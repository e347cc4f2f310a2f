/** Servers of this machine that the program looked for on its own loopback, as entries of the report. */
import type { ReportRefusal } from './refusal-types.js';
import { timeOf } from './time-of.js';

/** A port of loopback that the program connected to, as an audit found. */
export interface ServiceCause {
  readonly port: number;
  readonly count: number;
  /** Nanoseconds since the start. */
  readonly lastNs: number;
}

/** @param rules what `--net` allows by now */
export function serviceEntries(services: readonly ServiceCause[], rules: string): ReportRefusal[] {
  const before = rules === 'none' || rules === '' ? '' : `${rules},`;
  const reached = new Set(
    rules.split(',').flatMap((rule) => /^localhost:(\d+)$/.exec(rule)?.[1] ?? []),
  );
  return services
    .filter(({ port }) => !reached.has(String(port)))
    .map(({ port, count, lastNs }) => ({
      kind: 'network',
      call: 'connect',
      target: `localhost:${port}`,
      arguments: {},
      count,
      cause: "loopback is the sandbox's own, and a server of this machine listens on that port",
      option: `--net ${before}localhost:${port}`,
      ...timeOf(lastNs, 0),
    }));
}
