/** Stage: launch. Settings of this host that explain why a step of the set-up was refused. */
import { existsSync, readFileSync } from 'node:fs';
import type { HostFacts } from '../report/advice.js';

const sysctlNames = [
  'kernel/unprivileged_userns_clone',
  'kernel/apparmor_restrict_unprivileged_userns',
  'user/max_user_namespaces',
  'vm/memfd_noexec',
];

/** Files that Docker, Podman and systemd leave in a container. */
const containerMarks = ['/.dockerenv', '/run/.containerenv', '/run/systemd/container'];

/** Reads them now; what cannot be read is left out. */
export function hostFacts(): HostFacts {
  const sysctls: Record<string, string> = {};
  for (const name of sysctlNames) {
    try {
      sysctls[name] = readFileSync(`/proc/sys/${name}`, 'utf8').trim();
    } catch {
      // This kernel does not have it.
    }
  }
  return {
    sysctls,
    container: containerMarks.some((path) => existsSync(path)),
    sandboxed: process.env.WASBOX === '1',
    node: process.execPath,
    root: process.geteuid?.() === 0,
  };
}
