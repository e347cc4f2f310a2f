/** Lists what a run was refused, as a program that uses the library reads it: one entry for each thing. */
import type { RefusalRecords } from '../native/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import { whatOf } from './refusal-types.js';
import { refusalContext, reportRefusals } from './refusals.js';
import type { EndedReport, RunReport } from './types.js';

/** Something that the sandbox refused a program. Every text is safe to print. */
export interface Refused {
  readonly kind: 'file' | 'network' | 'call';
  /** Says what the program wanted, in one line: `connect example.org:443`, `mount type=proc`. */
  readonly what: string;
  readonly cause: string;
  /** The option of `wasbox run` that allows it; absent if none does. */
  readonly option?: string | undefined;
  readonly count: number;
}

/** Returns the refusals while its sandbox goes on. */
export const refusedSoFar = (spec: SandboxSpec, records: RefusalRecords): Refused[] =>
  refusedIn({ refusals: reportRefusals(records, refusalContext(spec)), network: undefined });

/** The most refusals that a result lists. */
const most = 100;

/** Nothing is asked for it: it is in the report, in its two parts. */
export function refusedIn({
  refusals,
  network,
}: Pick<EndedReport, 'refusals'> & Pick<RunReport, 'network'>): Refused[] {
  const calls = (refusals?.calls ?? []).map((refusal): Refused => {
    const { kind, call, cause, option, count } = refusal;
    return {
      kind: kind === 'file' || kind === 'network' ? kind : 'call',
      what: `${call} ${whatOf(refusal)}`.trim(),
      cause,
      ...(option === undefined ? {} : { option }),
      count,
    };
  });
  const destinations = (network?.destinations ?? [])
    .filter(({ allowed }) => !allowed)
    .map(({ protocol, name, address = '', port, cause = '', option, count }): Refused => {
      const host = name ?? address;
      return {
        kind: 'network',
        what: `${protocol === 'lookup' ? 'lookup' : 'connect'} ${port === undefined ? host : `${host}:${port}`}`,
        cause,
        ...(option === undefined ? {} : { option }),
        count,
      };
    });
  return [...calls, ...destinations].slice(0, most);
}
