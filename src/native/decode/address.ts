/** The shown form of a socket address that the payload passed to the kernel. */
import { addressText, isMapped } from '../../options/index.js';
import { displayPath } from '../../text/index.js';

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;

/** A decoded address. */
export interface SocketAddress {
  /** Safe to print: `192.0.2.1:443`, `[2001:db8::1]:443`, a path, `@abstract`. */
  readonly text: string;
  /** The host of an internet address, without brackets. */
  readonly host?: string | undefined;
  readonly port?: number | undefined;
}

function ipv4(bytes: Uint8Array): string {
  return [...bytes].join('.');
}

/** RFC 5952, but an IPv4-mapped address keeps its prefix. */
const ipv6 = (bytes: Uint8Array): string =>
  `${isMapped(bytes) ? '::ffff:' : ''}${addressText(bytes)}`;

/** A unix(7) address: a path that ends at its first NUL, or an abstract name, shown with `@`. */
function unix(name: Uint8Array): string {
  if (name.length === 0) return 'unnamed unix socket';
  if (name[0] === 0) return `@${displayPath(name.subarray(1))}`;
  const end = name.indexOf(0);
  return displayPath(end < 0 ? name : name.subarray(0, end));
}

/** Reads `struct sockaddr` of a little-endian machine, which may be truncated anywhere. */
export function readAddress(bytes: Uint8Array): SocketAddress {
  if (bytes.length < 2) return { text: 'an address without a family' };
  const family = (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8);
  const port = ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
  if (family === AF_INET && bytes.length >= 8) {
    const host = ipv4(bytes.subarray(4, 8));
    return { text: `${host}:${port}`, host, port };
  }
  if (family === AF_INET6 && bytes.length >= 24) {
    const host = ipv6(bytes.subarray(8, 24));
    return { text: `[${host}]:${port}`, host, port };
  }
  if (family === AF_UNIX) return { text: unix(bytes.subarray(2)) };
  if (family === AF_NETLINK) return { text: 'netlink' };
  return { text: `an address of family ${family}` };
}
