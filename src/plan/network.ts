/** The rules of the network as a table: the supervisor reads no text. */
import type { NetRule } from '../options/index.js';
import type { NetworkSpec } from '../resolve/index.js';
import {
  netAddressLayout,
  netAddressSize,
  netPublishLayout,
  netPublishSize,
  netRuleLayout,
  netRuleSize,
  type planLayout,
  WB_NET_ANY,
  WB_NET_BLOCK,
  WB_NET_INTERNET,
  WB_NET_NAME,
  WB_NET_RULES,
  WB_NET_TCP,
  WB_NET_UDP,
  WB_NET_WILDCARD,
} from './wire.generated.js';
import type { Fields, PlanWriter } from './writer.js';

const protocols = { any: WB_NET_ANY, tcp: WB_NET_TCP, udp: WB_NET_UDP } as const;

/** Four words that lie in memory as the 16 bytes do. */
function words(bytes: Uint8Array): Fields<typeof netAddressLayout> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  const word = (i: number) => view.getUint32(4 * i, true);
  return { word0: word(0), word1: word(1), word2: word(2), word3: word(3) };
}

/** A name that stands for several addresses is a rule for each. */
const expanded = (rule: NetRule): readonly NetRule[] =>
  rule.kind === 'loopback'
    ? rule.blocks.map((block) => ({ ...rule, kind: 'address', block }))
    : [rule];

function ruleFields(
  writer: PlanWriter,
  rule: NetRule,
  deny: boolean,
): Fields<typeof netRuleLayout> {
  const common = {
    deny: deny ? 1 : 0,
    protocol: protocols[rule.protocol],
    portFrom: rule.from,
    portTo: rule.to,
  };
  switch (rule.kind) {
    case 'internet':
      return { ...common, kind: WB_NET_INTERNET };
    case 'name': {
      const kind = rule.wildcard ? WB_NET_WILDCARD : WB_NET_NAME;
      return { ...common, kind, name: writer.string(rule.name) };
    }
    case 'loopback':
      throw new TypeError('a rule of several addresses was not expanded');
    case 'address': {
      const { bytes, prefix } = rule.block;
      return { ...common, kind: WB_NET_BLOCK, prefix, ...words(bytes) };
    }
  }
}

/** The plan's fields; none for a sandbox without rules. */
export function networkFields(
  writer: PlanWriter,
  network: NetworkSpec | undefined,
): Fields<typeof planLayout> {
  if (network === undefined) return {};
  const { allow, deny, resolvers, publish } = network;
  const rules = [
    ...allow.flatMap(expanded).map((rule) => [rule, false] as const),
    ...deny.flatMap(expanded).map((rule) => [rule, true] as const),
  ];
  const netRules = writer.reserve(rules.length * netRuleSize);
  for (const [i, [rule, isDeny]] of rules.entries()) {
    const fields = ruleFields(writer, rule, isDeny);
    writer.fields(netRules + i * netRuleSize, netRuleLayout, fields);
  }
  const netResolvers = writer.reserve(resolvers.length * netAddressSize);
  for (const [i, address] of resolvers.entries()) {
    writer.fields(netResolvers + i * netAddressSize, netAddressLayout, words(address));
  }
  const netPublish = writer.reserve(publish.length * netPublishSize);
  for (const [i, { address, hostPort, insidePort }] of publish.entries()) {
    const fields = { ...words(address), hostPort, insidePort };
    writer.fields(netPublish + i * netPublishSize, netPublishLayout, fields);
  }
  return {
    net: WB_NET_RULES,
    netRules: rules.length === 0 ? 0 : netRules,
    netRuleCount: rules.length,
    netResolvers: resolvers.length === 0 ? 0 : netResolvers,
    netResolverCount: resolvers.length,
    netPublish: publish.length === 0 ? 0 : netPublish,
    netPublishCount: publish.length,
  };
}
