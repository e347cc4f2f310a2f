/** Options become limits, each with its default, and a place for a cgroup where one may be made. */

import { cgroupMemory, findCgroup } from './cgroup.js';
import type { Draft } from './draft.js';
import type { LimitsSpec } from './spec.js';
import { defaultLimits } from './system.js';

/** The length of the first line, `MemTotal:       24682496 kB`, the only one that stays the same. */
const memoryLine = 28;

/** Bytes of memory that the machine has and the caller's cgroups allow; undefined where neither says. */
function availableMemory({ host }: Draft): number | undefined {
  const bytes = host.files.read('/proc/meminfo', memoryLine);
  const found = /^MemTotal: +(\d{1,12}) /.exec(new TextDecoder().decode(bytes))?.[1];
  const machine = found === undefined ? undefined : Number(found) * 1024;
  const allowed = cgroupMemory(host);
  return machine === undefined || allowed === undefined
    ? (machine ?? allowed)
    : Math.min(machine, allowed);
}

/** Bytes and files of scripts and links that the sandbox is made with, in the same file system. */
function ownNeeds({ tree }: Draft): { readonly bytes: number; readonly inodes: number } {
  const mounts = tree.list();
  const content = mounts.map((mount) => (mount.type === 'file' ? mount.content.length : 0));
  const bytes = content.reduce((sum, size) => sum + size + 65_536, 0);
  // A mount point may take a directory for each of its parents.
  const inodes = mounts.reduce((sum, { target }) => sum + target.split('/').length, 64);
  return { bytes, inodes };
}

/** `none` is Infinity as an option, and no limit at all in the spec. */
const finite = (limit: number | undefined): number | undefined =>
  limit === Number.POSITIVE_INFINITY ? undefined : limit;

/**
 * Returns the limits that hold for the run. Called when the sandbox's tree is complete.
 * @param layersInMemory whether changes are in the private memory instead of on disk: its limit then allows for them
 */
export function resolveLimits(draft: Draft, layersInMemory = false): LimitsSpec {
  const { options } = draft;
  const all = options.memoryBytes === undefined ? availableMemory(draft) : undefined;
  const half = all === undefined ? undefined : Math.floor(all / 2);
  const memoryBytes = finite(options.memoryBytes ?? half);
  const diskBytes = options.diskBytes ?? defaultLimits.diskBytes;
  const inodes = options.inodes ?? defaultLimits.inodes;
  const needs = ownNeeds(draft);
  // Files in memory run full before the run has to be ended for them, and before the machine's memory does.
  const inMemory = memoryBytes ?? (layersInMemory ? availableMemory(draft) : undefined);
  const memoryShare = inMemory === undefined ? Number.POSITIVE_INFINITY : inMemory / 2;
  const room = Math.floor(Math.min(diskBytes, memoryShare));
  const most =
    layersInMemory && Number.isFinite(room) ? Number.POSITIVE_INFINITY : defaultLimits.privateBytes;
  return {
    timeoutMs: finite(options.timeoutMs),
    graceMs: options.graceMs ?? defaultLimits.graceMs,
    cpuMs: finite(options.cpuMs),
    memoryBytes,
    processes: finite(options.pids ?? defaultLimits.processes),
    openFiles: finite(options.openFiles ?? defaultLimits.openFiles),
    fileSizeBytes: finite(options.fileSizeBytes ?? diskBytes),
    diskBytes: finite(diskBytes),
    inodes: finite(inodes),
    outputBytes: finite(options.outputBytes),
    privateBytes: Math.min(most, room + needs.bytes),
    privateInodes: Math.min(defaultLimits.privateInodes, inodes + needs.inodes),
    cgroup: findCgroup(draft.host),
  };
}
