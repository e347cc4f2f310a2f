/** Rules of the network as NetworkPolicies, compared over random rules with what the rules mean. */
import { BlockList, isIPv6 } from 'node:net';
import { describe, expect, it } from 'vitest';
import { networkPolicy } from '../../../src/kubernetes/network-policy.js';
import { type NetRule, readNetRules } from '../../../src/options/index.js';
import { Random } from '../convert/random-formats.js';

interface IpBlock {
  readonly cidr: string;
  readonly except?: readonly string[];
}
interface Port {
  readonly protocol: string;
  readonly port?: number;
  readonly endPort?: number;
}
interface EgressRule {
  readonly to?: readonly { readonly ipBlock?: IpBlock }[];
  readonly ports?: readonly Port[];
}

const rules = (option: string, list: string): NetRule[] =>
  list === '' ? [] : readNetRules(option, list);

function egressOf(allow: string, deny = ''): readonly EgressRule[] {
  const network = { allow: rules('--net', allow), deny: rules('--net-deny', deny) };
  const { spec } = networkPolicy('test', {}, network) as { spec: { egress: EgressRule[] } };
  return spec.egress;
}

const family = (address: string) => (isIPv6(address) ? 'ipv6' : 'ipv4');

function within(address: string, blocks: readonly string[]): boolean {
  const list = new BlockList();
  for (const block of blocks) {
    const [network = '', prefix = ''] = block.split('/');
    if (family(network) === family(address))
      list.addSubnet(network, Number(prefix), family(network));
  }
  return list.check(address, family(address));
}

/** Decides like a network plugin. */
function lets(
  egress: readonly EgressRule[],
  address: string,
  port: number,
  protocol: string,
): boolean {
  const place = (one: Port) =>
    one.protocol === protocol &&
    (one.port === undefined || (port >= one.port && port <= (one.endPort ?? one.port)));
  const block = ({ cidr, except = [] }: IpBlock) =>
    within(address, [cidr]) && !within(address, except);
  return egress.some(
    ({ to, ports }) =>
      (to === undefined || to.some(({ ipBlock }) => ipBlock !== undefined && block(ipBlock))) &&
      (ports === undefined || ports.some(place)),
  );
}

interface Drawn {
  readonly block: string;
  readonly from: number;
  readonly to: number;
  readonly protocol: string;
  readonly text: string;
}

const ports = [1, 52, 53, 80, 443, 65535];
const blocks4 = [
  '10.0.0.0/8',
  '10.1.0.0/16',
  '10.1.2.0/24',
  '10.1.2.3/32',
  '8.8.0.0/16',
  '192.0.2.0/28',
];
const blocks6 = ['2001:db8::/32', '2001:db8:1::/48', '64:ff9b::/96', '64:ff9b::a01:0/112'];
const addresses = [
  ...['10.0.0.1', '10.1.0.1', '10.1.2.3', '10.1.2.4', '8.8.8.8', '192.0.2.15', '192.0.2.16'],
  ...['2001:db8::1', '2001:db8:1::1', '64:ff9b::a01:203', '64:ff9b::808:808', '2600::1'],
];

function draw(random: Random): Drawn {
  const block = random.pick([...blocks4, ...blocks6]);
  const [a, b] = [random.pick(ports), random.pick(ports)];
  const all = random.below(3) === 0;
  const [from, to] = all ? [1, 65535] : [Math.min(a, b), Math.max(a, b)];
  const protocol = random.pick(['', '/tcp', '/udp']);
  const host = block.includes(':') && !all ? `[${block}]` : block;
  const place = all ? '' : from === to ? `:${from}` : `:${from}-${to}`;
  return { block, from, to, protocol, text: `${host}${place}${protocol}` };
}

/** An IPv4 block where a gateway between IPv6 and IPv4 has it. */
function behindGateway(block: string): string[] {
  const [address = '', prefix] = block.split('/');
  if (isIPv6(address)) return [];
  const hex = address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'));
  return [`64:ff9b::${hex[0]}${hex[1]}:${hex[2]}${hex[3]}/${Number(prefix) + 96}`];
}

function matches(rule: Drawn, denies: boolean, address: string, port: number, protocol: string) {
  const blocks = [rule.block, ...(denies ? behindGateway(rule.block) : [])];
  return (
    within(address, blocks) &&
    port >= rule.from &&
    port <= rule.to &&
    (rule.protocol === '' || rule.protocol === `/${protocol.toLowerCase()}`)
  );
}

/** Checks what Kubernetes takes: ranges with a start before their end, and parts that are smaller than their block. */
function expectValid(egress: readonly EgressRule[]): void {
  for (const { to = [], ports: places = [] } of egress) {
    for (const { port, endPort } of places)
      expect(port === undefined || (port >= 1 && (endPort ?? port + 1) > port)).toBe(true);
    for (const { ipBlock } of to) {
      for (const part of ipBlock?.except ?? []) {
        const [address = '', prefix] = part.split('/');
        expect(within(address, [ipBlock?.cidr ?? ''])).toBe(true);
        expect(Number(prefix)).toBeGreaterThan(Number(ipBlock?.cidr.split('/')[1]));
      }
    }
  }
}

describe('a NetworkPolicy', () => {
  it('lets through what the rules let through, and nothing else', () => {
    const random = new Random(20_261_128);
    let [allowed, refused] = [0, 0];
    for (let n = 0; n < 300; n++) {
      const allow = Array.from({ length: 1 + random.below(3) }, () => draw(random));
      const deny = Array.from({ length: random.below(4) }, () => draw(random));
      const list = (drawn: readonly Drawn[]) => drawn.map(({ text }) => text).join(',');
      const egress = egressOf(list(allow), list(deny));
      expectValid(egress);
      for (const address of addresses)
        for (const port of [1, 2, 53, 79, 80, 444, 65535])
          for (const protocol of ['TCP', 'UDP']) {
            const expected =
              allow.some((rule) => matches(rule, false, address, port, protocol)) &&
              !deny.some((rule) => matches(rule, true, address, port, protocol));
            const what = `${list(allow)} without ${list(deny)}: ${address} ${port} ${protocol}`;
            expect(lets(egress, address, port, protocol), what).toBe(expected);
            if (expected) allowed++;
            else refused++;
          }
    }
    expect(Math.min(allowed, refused)).toBeGreaterThan(2000);
  });

  it('leaves private and special addresses out of the internet', () => {
    const egress = egressOf('internet', '8.8.4.0/24');
    expectValid(egress);
    const open = ['1.1.1.1', '8.8.8.8', '2600::1', '64:ff9b::101:101'];
    const closed = ['10.0.0.1', '169.254.169.254', '192.168.1.1', 'fd00::1', '64:ff9b::a00:1'];
    for (const address of open) expect(lets(egress, address, 443, 'TCP'), address).toBe(true);
    for (const address of [...closed, '8.8.4.4', '64:ff9b::808:404'])
      expect(lets(egress, address, 443, 'TCP'), address).toBe(false);
  });

  it.each([
    '168.63.129.16',
    '100.100.100.200',
    '192.0.0.192',
    '169.254.169.254',
    'fd00:ec2::254',
    'fd20:ce::254',
    '64:ff9b::a83f:8110',
  ])(
    'closes %s, at which a platform answers its virtual machines, to the internet rule',
    (address) => {
      const egress = egressOf('internet');
      expect(lets(egress, address, 80, 'TCP')).toBe(false);
      expect(
        lets(
          egressOf(`internet,${isIPv6(address) ? `[${address}]` : address}`),
          address,
          80,
          'TCP',
        ),
      ).toBe(true);
    },
  );

  it('denies everything without rules, both ways', () => {
    const made = networkPolicy('test', { app: 'x' }, { allow: 'none', deny: [] });
    expect(made).toMatchObject({
      spec: {
        podSelector: { matchLabels: { app: 'x' } },
        policyTypes: ['Ingress', 'Egress'],
        ingress: [],
        egress: [],
      },
    });
    const open = networkPolicy('test', {}, { allow: 'host', deny: [] }) as { spec: { egress: [] } };
    expect(lets(open.spec.egress, '10.0.0.1', 80, 'TCP')).toBe(true);
  });

  it.each([
    ['example.com:443', ''],
    ['*.example.com', ''],
    ['internet', 'example.com'],
    ['localhost:5432', ''],
    ['10.0.0.0/8,127.0.0.1:80', ''],
  ])('refuses %s without %s: it has addresses only', (allow, deny) => {
    expect(() => egressOf(allow, deny)).toThrow(/rule ".*": a (NetworkPolicy|pod)/);
    expect(() => egressOf(allow, deny)).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION_VALUE' }),
    );
  });
});
