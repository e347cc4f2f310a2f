/** The network as a NetworkPolicy: nothing comes in, and out goes what the rules name. */
import type { NetRule } from '../options/index.js';
import { blockName, type Destinations, destinationsOf } from './destinations.js';

export interface Network {
  /** `none` for nothing, `host` for all that the pod can reach. */
  readonly allow: 'none' | 'host' | readonly NetRule[];
  readonly deny: readonly NetRule[];
}

/** Names are looked up by the cluster's resolver, as wasbox looks them up for `internet`. */
const resolver = {
  to: [
    {
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
      podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
    },
  ],
  ports: [
    { protocol: 'UDP', port: 53 },
    { protocol: 'TCP', port: 53 },
  ],
};

function portOf({ protocol, from, to }: Destinations): object {
  if (from === 1 && to === 65535) return { protocol };
  return from === to ? { protocol, port: from } : { protocol, port: from, endPort: to };
}

/** Rules for the same addresses are one. */
function rulesOf(places: readonly Destinations[]): object[] {
  const rules = new Map<string, { to: object[]; ports: object[] }>();
  for (const place of places) {
    const except = place.except.map(blockName);
    const ipBlock = { cidr: blockName(place.block), ...(except.length > 0 && { except }) };
    const key = JSON.stringify(ipBlock);
    const rule = rules.get(key) ?? { to: [{ ipBlock }], ports: [] };
    rule.ports.push(portOf(place));
    rules.set(key, rule);
  }
  return [...rules.values()];
}

function egressOf({ allow, deny }: Network): object[] {
  if (allow === 'none') return [];
  if (allow === 'host') return [{}];
  const names = allow.some(({ kind }) => kind === 'internet');
  return [...(names ? [resolver] : []), ...rulesOf(destinationsOf(allow, deny))];
}

/** @throws UsageError (`ERR_OPTION_VALUE`) for rules that a NetworkPolicy cannot say */
export function networkPolicy(name: string, labels: object, network: Network): object {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, labels },
    spec: {
      podSelector: { matchLabels: labels },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [],
      egress: egressOf(network),
    },
  };
}

/** Tells what the policy allows or leaves to the cluster beside the rules. */
export function networkRemarks({ allow }: Network): string[] {
  const remarks = [
    'The network plugin of the cluster must enforce NetworkPolicies; some do not.',
    'Kubernetes always lets a pod and its node reach each other.',
  ];
  if (allow === 'host') remarks.push('The pod reaches whatever the cluster lets it reach.');
  else if (allow !== 'none' && allow.some(({ kind }) => kind === 'internet'))
    remarks.push(
      "Names are looked up by the cluster's resolver, which knows the cluster's own names, too.",
      'Public addresses of the nodes are part of the internet here.',
    );
  return remarks;
}
