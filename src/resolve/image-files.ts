/**
 * Files of an image that appear with a content of the sandbox's own, as container engines do it: hosts(5) and
 * resolv.conf(5). What else says how names are looked up, and which certificates count, is the image's own.
 */
import type { Draft } from './draft.js';
import { resolverContent } from './network.js';
import type { NetworkMode } from './spec.js';
import { hostName } from './system.js';

const fileLimit = 262_144;
const encoder = new TextEncoder();

const ownHosts = `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
127.0.1.1\t${hostName}
::1\t${hostName}
`;

/** Covers what the image has there: the mount point lies above its layers, links too. */
function cover({ tree }: Draft, target: string, content: Uint8Array): void {
  tree.add({ type: 'file', target, content, mode: 0o644, covers: true });
}

export function addImageFiles(draft: Draft, network: NetworkMode): void {
  cover(draft, '/etc/hosts', encoder.encode(ownHosts));
  const resolver =
    network === 'host'
      ? draft.host.files.read('/etc/resolv.conf', fileLimit)
      : network === 'rules'
        ? resolverContent(draft.options)
        : undefined;
  if (resolver !== undefined) cover(draft, '/etc/resolv.conf', resolver);
}
