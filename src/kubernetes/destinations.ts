/**
 * Rules of `--net` and `--net-deny` as what a NetworkPolicy can say: address blocks without parts of them, and ports.
 * It has no rules that deny, so what they deny is taken out of what is allowed.
 */
import { UsageError } from '../errors/index.js';
import {
  type AddressBlock,
  blockOf,
  blockText,
  isMapped,
  type NetRule,
  readAddressBytes,
} from '../options/index.js';
import { gatewayPrefix, globalBlock, specialBlocks } from './special-blocks.js';

export interface Destinations {
  readonly block: AddressBlock;
  /** Parts of the block that are not allowed. */
  readonly except: readonly AddressBlock[];
  readonly protocol: 'TCP' | 'UDP';
  /** Inclusive, from 1 on. */
  readonly from: number;
  readonly to: number;
}

function readBlock(text: string): AddressBlock {
  const [address = '', bits] = text.split('/');
  const bytes = readAddressBytes(address);
  const block = bytes && blockOf(bytes, bits === undefined ? undefined : Number(bits));
  if (block === undefined) throw new Error(`not an address block: ${text}`);
  return block;
}

const special = specialBlocks.map(readBlock);
const internet = ['0.0.0.0/0', globalBlock].map(readBlock);
const gateway = readBlock(`${gatewayPrefix}/96`);

/** The block as the gateway between IPv6 and IPv4 has it; undefined for one of IPv6. */
function behindGateway({ bytes, prefix }: AddressBlock): AddressBlock | undefined {
  if (!isMapped(bytes) || prefix < 96) return undefined;
  return {
    bytes: Uint8Array.from([...gateway.bytes.subarray(0, 12), ...bytes.subarray(12)]),
    prefix,
  };
}

/** Adds the same addresses as the gateway between IPv6 and IPv4 has them. */
const withGateway = (blocks: readonly AddressBlock[]): AddressBlock[] =>
  blocks.flatMap((block) => [block, behindGateway(block) ?? []].flat());

function contains(outer: AddressBlock, inner: AddressBlock): boolean {
  if (outer.prefix > inner.prefix || isMapped(outer.bytes) !== isMapped(inner.bytes)) return false;
  return outer.bytes.every((byte, i) => {
    const kept = Math.min(8, Math.max(0, outer.prefix - 8 * i));
    return ((byte ^ (inner.bytes[i] ?? 0)) & (0xff00 >> kept) & 0xff) === 0;
  });
}

/** Returns what a rule has been narrowed to; where nothing is left, none. */
function without(
  place: Destinations,
  denied: AddressBlock,
  { from, to, protocol }: Pick<NetRule, 'from' | 'to' | 'protocol'>,
): Destinations[] {
  const { block, except } = place;
  const within = contains(block, denied);
  const apart =
    (protocol !== 'any' && protocol.toUpperCase() !== place.protocol) ||
    to < place.from ||
    from > place.to ||
    !(within || contains(denied, block)) ||
    except.some((part) => contains(part, denied));
  if (apart) return [place];
  const pieces: Destinations[] = [];
  if (place.from < from) pieces.push({ ...place, to: from - 1 });
  if (place.to > to) pieces.push({ ...place, from: to + 1 });
  if (!within || block.prefix === denied.prefix) return pieces;
  pieces.push({
    ...place,
    except: [...except.filter((part) => !contains(denied, part)), denied],
    from: Math.max(place.from, from),
    to: Math.min(place.to, to),
  });
  return pieces;
}

function cannotSay(option: string, rule: NetRule, why: string, hint: string): UsageError {
  return new UsageError('ERR_OPTION_VALUE', `${option}: rule "${rule.text}": ${why}`, { hint });
}

/** The blocks that a rule is about. @throws UsageError for what a NetworkPolicy cannot say */
function blocksOf(option: string, rule: NetRule): readonly AddressBlock[] {
  switch (rule.kind) {
    case 'address':
      return [rule.block];
    case 'internet':
      return withGateway(internet);
    case 'loopback':
      throw cannotSay(
        option,
        rule,
        'a pod cannot reach the loopback addresses of its node',
        'Name the address of the server, or of its Service: 10.0.0.5:5432',
      );
    case 'name':
      throw cannotSay(
        option,
        rule,
        'a NetworkPolicy allows addresses, not names',
        'Use addresses such as 192.0.2.0/24:443, or run wasbox in the pod: it supports rules with names.',
      );
  }
}

/**
 * Returns what is allowed once everything that is denied has been taken out.
 * @throws UsageError (`ERR_OPTION_VALUE`) for names and for loopback: nothing wider takes their place
 */
export function destinationsOf(
  allow: readonly NetRule[],
  deny: readonly NetRule[],
): readonly Destinations[] {
  const allowed = allow.flatMap((rule) => {
    const except = rule.kind === 'internet' ? withGateway(special) : [];
    const { from, to, protocol } = rule;
    const protocols = (['TCP', 'UDP'] as const).filter(
      (one) => protocol === 'any' || one.toLowerCase() === protocol,
    );
    return blocksOf('--net', rule).flatMap((block) =>
      protocols.map((one): Destinations => {
        const parts = except.filter((part) => contains(block, part));
        return { block, except: parts, protocol: one, from: Math.max(from, 1), to };
      }),
    );
  });
  return deny.reduce(
    (left, rule) =>
      withGateway(blocksOf('--net-deny', rule)).reduce(
        (places, block) => places.flatMap((place) => without(place, block, rule)),
        left,
      ),
    allowed,
  );
}

export const blockName = (block: AddressBlock): string => {
  const text = blockText(block);
  // A NetworkPolicy has a prefix length even for one address.
  return text.includes('/') ? text : `${text}/${isMapped(block.bytes) ? 32 : 128}`;
};
