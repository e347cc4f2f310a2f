/** Resolves what the network reaches: `--net` and `--net-deny` become {@link NetworkSpec}. */
import { SupportError, UsageError } from '../errors/index.js';
import { type Host, landlockNetworkAbi, landlockObstacle } from '../host/index.js';
import {
  asksQuestions,
  netRulesOf,
  netWord,
  type ResolveOptions,
  readAddressBytes,
  spoken,
} from '../options/index.js';
import { canHold, type Draft } from './draft.js';
import { readAllPublished } from './publish.js';
import type { NetworkMode, NetworkSpec } from './spec.js';

export interface ResolvedNetwork {
  readonly net: NetworkMode;
  readonly network?: NetworkSpec | undefined;
}

/** The limit of the resolvers in /etc/resolv.conf; resolv.conf(5) takes as many. */
const maxResolvers = 3;

/** Returns what the options ask for. */
export function networkMode(options: Pick<ResolveOptions, 'net' | 'publish' | 'ask'>): NetworkMode {
  const { net = 'none', publish = [] } = options;
  const word = netWord(net);
  if (word === 'host') return word;
  // A connection that leads to a port inside, or that is asked about, takes the same way as what rules allow.
  const needed = publish.length > 0 || asksQuestions(options);
  if (word === 'none') return needed ? 'rules' : 'none';
  // Nothing is allowed by an empty list.
  return net.length === 0 && typeof net !== 'string' && !needed ? 'none' : 'rules';
}

/**
 * Returns what the network reaches. Without Landlock's part nothing would keep the payload from dialling by
 * itself: then it is off where it only was to be asked about.
 * @param note what the user should know
 * @throws UsageError for rules that are malformed, or that deny where nothing is ruled
 * @throws SupportError where rules allow something and this kernel cannot keep them
 */
export function resolveNetwork(
  options: ResolveOptions,
  host: Host,
  note: (text: string) => void,
): ResolvedNetwork {
  const net = networkMode(options);
  const deny = options.netDeny === undefined ? [] : netRulesOf('--net-deny', options.netDeny);
  if (net === 'rules') {
    const { net: asked = 'none', publish: ports = [] } = options;
    const allow = netWord(asked) === 'none' ? [] : netRulesOf('--net', asked);
    const text = allow.map((rule) => rule.text).join(',') || 'none';
    const publish = readAllPublished(ports);
    const optional = allow.length === 0 && publish.length === 0;
    if (host.landlockAbi() >= landlockNetworkAbi) {
      const network = { allow, deny, text, resolvers: resolversOf(host), publish, optional };
      return { net, network };
    }
    const { why, fix } = landlockObstacle(
      host.landlockAbi(),
      landlockNetworkAbi,
      host.kernelRelease(),
    );
    if (optional) {
      note(spoken`the network is off, and --ask cannot ask about it: ${why}`);
      return { net: 'none' };
    }
    throw new SupportError('ERR_KERNEL', `this machine cannot enforce network rules: ${why}`, {
      hint: spoken`${fix}\nWithout rules: --net none, or --net host for everything this machine can reach.`,
    });
  }
  if (net === 'host' && deny.length > 0) {
    throw new UsageError('ERR_USAGE', spoken`--net host cannot be used with --net-deny`, {
      hint: spoken`--net host gives the program the host's network without restrictions. To allow the internet but not RULE or this machine: --net internet --net-deny RULE`,
    });
  }
  if (net === 'host' && (options.publish ?? []).length > 0) {
    throw new UsageError('ERR_USAGE', spoken`--net host cannot be used with --publish`, {
      hint: spoken`With --net host, servers in the sandbox listen on this machine's ports already.`,
    });
  }
  return { net };
}

/** The host's resolvers; an interface's own link-local one is left out, with its zone. */
function resolversOf(host: Host): Uint8Array[] {
  const bytes = host.files.read('/etc/resolv.conf', 65_536);
  const text = bytes === undefined ? '' : new TextDecoder().decode(bytes);
  const found: Uint8Array[] = [];
  for (const [, address = ''] of text.matchAll(
    /^[ \t]*nameserver[ \t]+([0-9A-Fa-f.:]+)[ \t]*$/gm,
  )) {
    const read = readAddressBytes(address);
    if (read !== undefined && found.length < maxResolvers) found.push(read);
  }
  return found;
}

/** Where the supervisor answers (addon/init/network.c). */
const resolverFile = 'nameserver 127.0.0.53\n';
/** The longest that programs wait, resolv.conf(5): the user may have to decide first. */
const patientFile = `${resolverFile}options timeout:30 attempts:5\n`;

/** Returns what resolv.conf(5) says where names are looked up through the supervisor. */
export const resolverContent = (options: ResolveOptions): Uint8Array =>
  new TextEncoder().encode(asksQuestions(options) ? patientFile : resolverFile);

/** With rules, names are looked up through the supervisor, whatever the host has. */
export function addResolver(draft: Draft): void {
  const place = draft.tree.linkTo('/etc/resolv.conf');
  const content = resolverContent(draft.options);
  const file = { type: 'file', target: place.path, content, mode: 0o644 } as const;
  if (place.kind !== undefined) draft.tree.add({ ...file, covers: true });
  else if (canHold(place)) draft.tree.add(file);
  else draft.note('cannot create /etc/resolv.conf inside, so the program cannot look up names');
}
