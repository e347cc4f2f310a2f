/** `--publish`: which port of the host leads to which one inside. */
import { UsageError } from '../errors/index.js';
import { addressText, readAddressBytes, spoken } from '../options/index.js';
import type { PublishedPort } from './spec.js';

/** WB_NET_PUBLISH_MAX. */
const maxPublished = 64;

const portOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65535
    ? Number(text)
    : undefined;

/** @param by who takes the port, where that is not the option */
function publishError(text: string, problem: string, by?: string): UsageError {
  if (by !== undefined)
    return new UsageError('ERR_OPTION_VALUE', `${by} ${JSON.stringify(text)}: ${problem}`, {
      hint: 'Write 8080 for the same port on both sides, 8080:80 for HOST:INSIDE, or 0.0.0.0:8080:80 or [::]:8080:80 to let other machines connect.',
    });
  return new UsageError('ERR_OPTION_VALUE', spoken`--publish ${JSON.stringify(text)}: ${problem}`, {
    hint: spoken`Write --publish 8080 for the same port on both sides, --publish 8080:80 for HOST:INSIDE, or --publish 0.0.0.0:8080:80 or [::]:8080:80 to let other machines connect.`,
  });
}

/**
 * `[ADDR:]HOST:INSIDE`, or one port for both.
 * @param by who takes the port, where that is not the option
 * @throws UsageError
 */
export function readPublished(text: string, by?: string): PublishedPort {
  const match = /^(?:(?:\[([^\]]*)\]|([^:[\]]*)):)?(\d+)(?::(\d+))?$/.exec(text);
  const single = /^\d+$/.test(text);
  const shortForm = /^(\d+):(\d+)$/.exec(text);
  const address = shortForm === null && !single ? (match?.[1] ?? match?.[2]) : '127.0.0.1';
  const hostPort = portOf(shortForm?.[1] ?? match?.[3]);
  const insidePort = portOf(single ? text : (shortForm?.[2] ?? match?.[4]));
  if (match === null || (address !== '127.0.0.1' && match[4] === undefined)) {
    throw publishError(text, 'invalid format', by);
  }
  if (hostPort === undefined || insidePort === undefined) {
    throw publishError(text, 'invalid port (use 1 to 65535)', by);
  }
  const bytes = readAddressBytes(address ?? '');
  if (bytes === undefined) {
    throw publishError(text, `${JSON.stringify(address)} is not an address of this host`, by);
  }
  return { address: bytes, hostPort, insidePort };
}

/** @throws UsageError for what is malformed, or given twice */
export function readAllPublished(list: readonly string[]): PublishedPort[] {
  const ports = list.map((one) => readPublished(one));
  const keys = ports.map((port) => `${addressText(port.address)} ${port.hostPort}`);
  const twice = list.find((_, i) => keys.indexOf(keys[i] ?? '') !== i);
  if (twice !== undefined) throw publishError(twice, 'duplicate host port');
  if (ports.length > maxPublished) {
    throw publishError(list.at(-1) ?? '', `too many ports (at most ${maxPublished})`);
  }
  return ports;
}
