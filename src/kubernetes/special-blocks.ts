/**
 * What `internet` leaves out: the IANA registries of special-purpose addresses, as `addon/net/rules.c` has them.
 * A test compares the two.
 */

export const specialBlocks: readonly string[] = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
];

/** Global addresses of IPv6; the others are special. */
export const globalBlock = '2000::/3';

/** IPv4 written as IPv6, which a gateway unwraps. RFC 6052 */
export const gatewayPrefix = '64:ff9b::';
