/**
 * Internet addresses and blocks of them, read strictly: one spelling each, so that a
 * rule means what it looks like. IPv4 addresses are kept as `::ffff:a.b.c.d`, in 16 bytes.
 */

/** An address, or the block of addresses that share its first `prefix` bits (of 128). */
export interface AddressBlock {
  readonly bytes: Uint8Array;
  readonly prefix: number;
}

const mappedPrefix = 96;

function readIpv4(text: string): number[] | undefined {
  const parts = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/.exec(
    text,
  );
  const numbers = parts?.slice(1).map(Number);
  return numbers?.every((number) => number <= 255) ? numbers : undefined;
}

function readGroups(text: string): number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (const [i, group] of groups.entries()) {
    const dotted = i === groups.length - 1 && group.includes('.') ? readIpv4(group) : undefined;
    if (dotted !== undefined) {
      bytes.push(...dotted);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      const number = Number.parseInt(group, 16);
      bytes.push(number >> 8, number & 0xff);
    } else {
      return undefined;
    }
  }
  return bytes;
}

function readIpv6(text: string): number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = readGroups(halves[0] ?? '');
  const tail = halves.length === 2 ? readGroups(halves[1] ?? '') : [];
  if (head === undefined || tail === undefined) return undefined;
  const zeros = 16 - head.length - tail.length;
  if (halves.length === 2 ? zeros < 2 : zeros !== 0) return undefined;
  return [...head, ...new Array<number>(zeros).fill(0), ...tail];
}

/** The 16 bytes of an address without port, prefix or zone; undefined where the text is no address. */
export function readAddressBytes(text: string): Uint8Array | undefined {
  const ipv4 = readIpv4(text);
  if (ipv4 !== undefined)
    return Uint8Array.from([...new Array<number>(10).fill(0), 255, 255, ...ipv4]);
  const ipv6 = text.includes(':') ? readIpv6(text) : undefined;
  return ipv6 === undefined ? undefined : Uint8Array.from(ipv6);
}

export function isMapped(bytes: Uint8Array): boolean {
  return bytes[10] === 255 && bytes[11] === 255 && bytes.subarray(0, 10).every((b) => b === 0);
}

/** The canonical text: dotted for IPv4, RFC 5952 for IPv6. */
export function addressText(bytes: Uint8Array): string {
  if (isMapped(bytes)) return [...bytes.subarray(12)].join('.');
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
  );
  let [start, length] = [0, 0];
  for (let i = 0; i < 8; i++) {
    let n = 0;
    while (groups[i + n] === '0') n++;
    if (n > length) [start, length] = [i, n];
  }
  if (length < 2) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}

/** The block's text: `10.0.0.0/8`, `2001:db8::/32`, or the address where it is a single one. */
export function blockText({ bytes, prefix }: AddressBlock): string {
  const bits = isMapped(bytes) ? prefix - mappedPrefix : prefix;
  return prefix === 128 ? addressText(bytes) : `${addressText(bytes)}/${bits}`;
}

/** A block of the prefix that is written after the address, of 32 or of 128 bits. */
export function blockOf(bytes: Uint8Array, written: number | undefined): AddressBlock | undefined {
  const mapped = isMapped(bytes);
  const most = mapped ? 32 : 128;
  const bits = written ?? most;
  return bits > most ? undefined : { bytes, prefix: mapped ? bits + mappedPrefix : bits };
}

/** The block with the bits behind its prefix cleared. */
export function networkOf({ bytes, prefix }: AddressBlock): AddressBlock {
  const network = bytes.map((byte, i) => {
    const kept = Math.min(8, Math.max(0, prefix - 8 * i));
    return byte & (0xff00 >> kept) & 0xff;
  });
  return { bytes: network, prefix };
}

/** Returns whether the block is within loopback, which every sandbox has to itself, or is "any". */
export function isLoopback({ bytes, prefix }: AddressBlock): boolean {
  if (isMapped(bytes)) return prefix >= 104 && bytes[12] === 127;
  return (
    prefix === 128 && bytes.subarray(0, 15).every((byte) => byte === 0) && (bytes[15] ?? 0) <= 1
  );
}

export const isUnspecified = ({ bytes, prefix }: AddressBlock): boolean =>
  prefix === 128 && (isMapped(bytes) ? bytes.subarray(12) : bytes).every((byte) => byte === 0);
