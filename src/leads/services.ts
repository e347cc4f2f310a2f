/**
 * Connections to the sandbox's own loopback that were probably meant for a server of this machine: an audit
 * saw them, nothing inside took the port, and a server listens on it outside.
 */
import { readFileSync } from 'node:fs';
import { type AuditRecords, readAddress } from '../native/index.js';
import type { ServiceCause } from '../report/index.js';
import type { SandboxSpec } from '../resolve/index.js';

/** The state of a listening socket in /proc/net/tcp: proc_pid_net(5), include/net/tcp_states.h. */
const listening = '0A';

/** Ports of this machine on which something listens, on loopback or on every address. */
export function listeners(): Set<number> {
  const found = new Set<number>();
  for (const name of ['tcp', 'tcp6']) {
    let text = '';
    try {
      text = readFileSync(`/proc/net/${name}`, 'latin1');
    } catch {
      continue; // a kernel without IPv6
    }
    for (const line of text.split('\n').slice(1)) {
      const [, local = '', , state] = line.trim().split(/\s+/);
      if (state === listening) found.add(Number.parseInt(local.split(':')[1] ?? '', 16));
    }
  }
  return found;
}

/** 127.0.0.1 and ::1, however they are written: what `--net localhost:PORT` reaches. */
const isLoopback = (host = ''): boolean => /^(::ffff:)?127\.0\.0\.1$|^::1$/.test(host);

/** Returns what the program may have wanted of this machine; each port once. */
export function missedServices(
  spec: Pick<SandboxSpec, 'net'>,
  audit: AuditRecords | undefined,
): ServiceCause[] {
  if (audit?.watched !== true || spec.net === 'host') return [];
  const missed = new Map<number, ServiceCause>();
  const own = new Set<number>();
  for (const { kind, isAddress, target, count, lastNs } of audit.actions) {
    if (!isAddress || (kind !== 'connect' && kind !== 'bind')) continue;
    const { host, port } = readAddress(target);
    if (port === undefined || port === 0) continue;
    if (kind === 'bind') own.add(port);
    else if (isLoopback(host)) {
      const before = missed.get(port);
      const sum = count + (before?.count ?? 0);
      missed.set(port, { port, count: sum, lastNs: Math.max(lastNs, before?.lastNs ?? 0) });
    }
  }
  if (missed.size === 0) return [];
  const outside = listeners();
  return [...missed.values()].filter(({ port }) => outside.has(port) && !own.has(port));
}
