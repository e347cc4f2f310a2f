/** Decides which built-in policies stand beside the run's own, and why. */
import type { Host, StreamIndex } from '../host/index.js';
import type { Guards, LimitsSpec, NetworkMode, TerminalMode, View } from './spec.js';
import { relayedStreams } from './terminal.js';
import { reachesHost } from './views.js';

/** The facts that they depend on. */
export interface Guarded {
  readonly views: readonly View[];
  readonly net: NetworkMode;
  readonly limits: Pick<LimitsSpec, 'outputBytes'>;
  readonly terminal: TerminalMode;
  /** True if files of the host may be granted for writing. */
  readonly asks: boolean;
}

const streams = [
  [0, 'stdin'],
  [1, 'stdout'],
  [2, 'stderr'],
] as const;

export function resolveGuards(host: Host, { views, net, limits, terminal, asks }: Guarded): Guards {
  const kinds = streams.map(([index]) => host.stream(index));
  const isRelayed = relayedStreams(terminal, host);
  // Files at stdout and stderr are written to through wasbox where output is counted.
  const isThrough = (index: StreamIndex) =>
    (limits.outputBytes !== undefined && index > 0) || (terminal === 'always' && index < 2);
  const files = streams
    .filter(([index]) => kinds[index] === 'file' && !isThrough(index))
    .map(([, name]) => name);
  const shown = views
    .filter(reachesHost)
    .map(({ source, origin }) => (origin === 'cache' ? 'the cache of --for' : `--rw ${source}`));
  return {
    files: [...files, ...shown, ...(asks ? ['what --ask allows'] : [])],
    terminal: streams.some(([index]) => kinds[index] === 'terminal' && !isRelayed(index)),
    sockets: net === 'rules' || (net !== 'host' && kinds.includes('socket')),
  };
}
