/** Destinations of a run with network rules, and the options that would allow the refused ones. */
import type { NetworkRecords, ReachedDestination } from '../native/index.js';
import { addressText, hostOption } from '../options/index.js';
import { displayPath } from '../text/index.js';
import { timeOf } from './time-of.js';

/** One destination in a report. Every text is safe to print. */
export interface ReportDestination {
  /** `lookup`: a name that the program looked up. */
  readonly protocol: 'tcp' | 'udp' | 'lookup';
  readonly allowed: boolean;
  readonly name?: string | undefined;
  readonly address?: string | undefined;
  readonly port?: number | undefined;
  /** How many connections, flows or look-ups. */
  readonly count: number;
  /** Bytes of UDP, both directions together. */
  readonly bytes?: number | undefined;
  /** Pid on the host of the first process, and its name. */
  readonly pid?: number | undefined;
  readonly process?: string | undefined;
  /** Why it was refused, or failed. */
  readonly cause?: string | undefined;
  /** The option of `wasbox run` that allows it; absent if none does. */
  readonly option?: string | undefined;
  /** When the last of them was made, since the start; only with an audit. */
  readonly atMs?: number | undefined;
}

export interface ReportNetwork {
  readonly destinations: readonly ReportDestination[];
  /** How many were not recorded, for lack of room. */
  readonly dropped: number;
  /** Why UDP could not leave the sandbox; absent if it could. */
  readonly udp?: string | undefined;
}

export const causes = {
  allowed: undefined,
  refused: 'the network rules do not allow it',
  'refused-address': 'the name resolves to this machine or its networks',
  silent: 'the name server did not answer in time',
  wrong: 'the name server sent an invalid answer',
  denied: '--net-deny blocks it',
  unknown: 'the name server found no such name',
  failed: 'the name server failed',
} as const;

/** The cause if no rule allows anything. */
export const off = 'the network is off';

/** Causes that another rule could change. */
const byRules: readonly string[] = [causes.refused, causes['refused-address'], off];

export const withPort = (address: string, port: number): string =>
  `${port > 0 && address.includes(':') ? `[${address}]` : address}${port > 0 ? `:${port}` : ''}`;

function isInside(address: Uint8Array): boolean {
  const text = addressText(address);
  return /^(127\.|0\.0\.0\.0$|::1?$)/.test(text);
}

function optionFor(one: ReachedDestination, rules: string): string | undefined {
  if (one.verdict !== 'refused' && one.verdict !== 'refused-address') return undefined;
  if (one.address !== undefined && isInside(one.address)) return undefined;
  const byName = one.address === undefined || (one.name !== '' && one.verdict === 'refused');
  return byName
    ? hostOption('name', one.name, one.port, rules)
    : hostOption('address', addressText(one.address), one.port, rules);
}

/** @param startedNs what times count from, where an audit tells it */
export function reportNetwork(
  records: NetworkRecords,
  rules: string,
  startedNs?: number | undefined,
): ReportNetwork {
  return {
    dropped: records.dropped,
    ...(records.udp === undefined ? {} : { udp: records.udp }),
    destinations: records.destinations.map((one): ReportDestination => {
      const process = displayPath(one.process);
      const cause = one.verdict === 'refused' && rules === 'none' ? off : causes[one.verdict];
      return {
        protocol: one.protocol,
        allowed: one.verdict === 'allowed',
        ...(one.name === '' ? {} : { name: displayPath(new TextEncoder().encode(one.name)) }),
        ...(one.address === undefined ? {} : { address: addressText(one.address) }),
        ...(one.port === 0 ? {} : { port: one.port }),
        count: one.count,
        ...(one.bytes === 0 ? {} : { bytes: one.bytes }),
        ...(one.pid === 0 ? {} : { pid: one.pid }),
        ...(process === '' ? {} : { process }),
        ...(cause === undefined ? {} : { cause }),
        ...(optionFor(one, rules) === undefined ? {} : { option: optionFor(one, rules) }),
        ...timeOf(one.lastNs, startedNs),
      };
    }),
  };
}

/** Address and port of a destination, as a call names them. */
export const destinationText = ({ address = '', port = 0 }: ReportDestination): string =>
  withPort(address, port);

/** Connections to the sandbox's own loopback are not recorded: those that are went to the host's. */
const isOfHost = ({ allowed, address = '' }: ReportDestination): boolean =>
  allowed && /^(127\.|::1$)/.test(address);

function line(one: ReportDestination): string {
  const address = `${destinationText(one)}${isOfHost(one) ? ' of this machine' : ''}`;
  const what = one.name === undefined ? address : `${one.name} ${address && `(${address})`}`.trim();
  const text = `  ${one.protocol.padEnd(9)} ${what}${one.count > 1 ? ` ×${one.count}` : ''}`;
  if (one.cause === undefined) return text;
  if (one.option === undefined && !byRules.includes(one.cause)) return `${text} — ${one.cause}`;
  const way = one.option === undefined ? 'No option allows it' : `Allow with ${one.option}`;
  return `${text} — ${one.cause}. ${way}`;
}

const shownLines = 6;

/** Lines for the end of a run: refused destinations; with `verbose`, reached ones, too. */
export function networkLines(network: ReportNetwork, verbose: boolean): string[] {
  const refused = network.destinations.filter((one) => !one.allowed);
  const reached = network.destinations.filter((one) => one.allowed);
  const shown = verbose ? refused : refused.slice(0, shownLines);
  const rest = refused.length - shown.length;
  return [
    ...(verbose && network.udp !== undefined ? [network.udp] : []),
    ...(verbose && reached.length > 0 ? ['reached:', ...reached.map(line)] : []),
    ...(refused.length > 0 ? ['not reached:', ...shown.map(line)] : []),
    ...(rest > 0 ? [`  and ${rest} more (-v lists them)`] : []),
    ...(network.dropped > 0 ? [`  and ${network.dropped} more that were not recorded`] : []),
  ];
}
