/** The addresses of the test network. The public ones are made up: nothing leaves it. */

export const addresses = {
  /**
   * The machine that wasbox runs on: a public address of its own, one of a network of public
   * addresses, as most IPv6 networks at home are, and private ones.
   */
  here: [
    '93.184.216.10/32',
    '198.41.0.10/24',
    '192.168.7.10/24',
    '2606:2800:220:2::10/64',
    'fd00:7::10/64',
  ],
  /** Everybody else, all on one interface. */
  there: [
    '198.41.0.1/24', // the gateway
    '198.41.0.7/24', // a neighbour with a public address
    '93.184.216.34/32', // www.example.com
    '93.184.216.35/32', // other.example.net
    '93.184.216.53/32', // the resolver
    '192.168.7.2/24', // in the LAN
    '10.11.12.13/32',
    '172.16.9.9/32',
    '100.64.0.9/32', // shared address space
    '169.254.169.254/32', // metadata services
    '168.63.129.16/32', // Azure's
    '100.100.100.200/32', // Alibaba's
    '192.0.0.192/32', // Oracle's
    '2606:2800:220:2::1/64',
    '2606:2800:220:2::7/64', // the neighbour
    '2606:2800:220:1::34/128', // www.example.com
    'fd00:7::2/64', // unique local
    'fd00:ec2::254/128', // Amazon's metadata service
    'fd20:ce::254/128', // Google's
    '64:ff9b::c0a8:702/128', // 192.168.7.2 as NAT64 writes it
    '64:ff9b::5db8:d822/128', // and www.example.com
    '64:ff9b::a83f:8110/128', // and 168.63.129.16
  ],
  gateway: '198.41.0.1',
  gateway6: '2606:2800:220:2::1',
  resolver: '93.184.216.53',
  web: '93.184.216.34',
  web6: '2606:2800:220:1::34',
  other: '93.184.216.35',
  lan: '192.168.7.2',
  neighbour: '198.41.0.7',
  neighbour6: '2606:2800:220:2::7',
  metadata: '169.254.169.254',
  ownPublic: '93.184.216.10',
  ownLan: '192.168.7.10',
} as const;

/** The answers of the resolver: names by address. */
export const names: Readonly<Record<string, readonly string[]>> = {
  'www.example.com': ['93.184.216.34', '2606:2800:220:1::34'],
  'v4.example.com': ['93.184.216.34'],
  'deep.sub.example.com': ['93.184.216.34'],
  'other.example.net': ['93.184.216.35'],
  // Names that lead where an allow list must not.
  'loop.example.com': ['127.0.0.1', '::1'],
  'lan.example.com': ['192.168.7.2'],
  'meta.example.com': ['169.254.169.254'],
  'azure.example.com': ['168.63.129.16'],
  'azure64.example.com': ['64:ff9b::a83f:8110'],
  'alibaba.example.com': ['100.100.100.200'],
  'oracle.example.com': ['192.0.0.192'],
  'amazon6.example.com': ['fd00:ec2::254'],
  'google6.example.com': ['fd20:ce::254'],
  'own.example.com': ['93.184.216.10'],
  'near.example.com': ['198.41.0.7', '2606:2800:220:2::7'],
  'mapped.example.com': ['::ffff:192.168.7.2'],
  'nat64.example.com': ['64:ff9b::c0a8:702'],
  'mixed.example.com': ['192.168.7.2', '93.184.216.34'],
};

/** Answered by a server of the tests that answers otherwise than a good one (`odd-dns.mjs`). */
export const oddZone = 'odd.test';
