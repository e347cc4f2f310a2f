/** Stage: launch. Settings of this host that explain why a step of the set-up was refused. */
import { existsSync, readFileSync } from 'node:fs';
import { SupportError } from '../errors/index.js';
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
    sandboxed: isSandboxed(),
    node: process.execPath,
    root: process.geteuid?.() === 0,
  };
}

/** Whether this process is the payload of a run: the variable that each has, under a filter. */
function isSandboxed(): boolean {
  if (process.env.WASBOX !== '1') return false;
  try {
    return /^Seccomp:\s*2$/m.test(readFileSync('/proc/self/status', 'utf8'));
  } catch {
    return true;
  }
}

/**
 * A run inside a run cannot be: its filter refuses further namespaces.
 * @throws SupportError where this process is the payload of one
 */
export function refuseNested(): void {
  if (!isSandboxed()) return;
  throw new SupportError('ERR_NESTED', 'wasbox cannot run inside a wasbox sandbox', {
    hint: 'The sandbox around it contains the program already: run the inner command without wasbox.',
  });
}
