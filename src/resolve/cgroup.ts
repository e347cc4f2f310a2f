/**
 * Where a run may have a cgroup (version 2) of its own: a directory that the caller may
 * write to, above its own cgroup or that itself, whose children get the memory and pids controllers.
 * That is what `Delegate=` of systemd gives, and each program that a user's manager has started. And
 * how much memory the cgroups leave that the caller is in.
 */
import type { Host } from '../host/index.js';

/** The unified hierarchy, and where it is beside version 1. */
const roots = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'];
const controllers = ['memory', 'pids'];
const fileLimit = 4096;

function text(host: Host, path: string): string | undefined {
  const bytes = host.files.read(path, fileLimit);
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

const version2 = /^0::(\/.*)$/m;
const memoryOfVersion1 = /^\d+:(?:[^:\n]*,)?memory(?:,[^:\n]*)?:(\/.*)$/m;

/** The caller's own cgroup in a hierarchy, and each above it, nearest first. */
function own(host: Host, hierarchy: RegExp): string[] {
  const path = hierarchy.exec(text(host, '/proc/self/cgroup') ?? '')?.[1];
  if (path === undefined || path.split('/').includes('..')) return [];
  const list: string[] = [];
  for (let at = path; ; at = at.slice(0, at.lastIndexOf('/'))) {
    if (at === '/') return [...list, ''];
    list.push(at);
    if (at === '') return list;
  }
}

/** Absolute path of a directory in which a run's cgroup can be made; undefined where there is none. */
export function findCgroup(host: Host): string | undefined {
  const paths = own(host, version2);
  if (paths.length === 0) return undefined;
  for (const root of roots) {
    if (text(host, `${root}/cgroup.controllers`) === undefined) continue;
    for (const path of paths) {
      const directory = `${root}${path}`;
      const given = text(host, `${directory}/cgroup.subtree_control`)?.trim().split(' ') ?? [];
      if (!controllers.every((name) => given.includes(name))) continue;
      const { files } = host;
      if (files.access(directory, 'write') && files.access(`${directory}/cgroup.procs`, 'write'))
        return directory;
    }
  }
  return undefined;
}

/**
 * Bytes of memory that the caller's cgroups allow, of either version; undefined where none says. In a
 * container the path may be the one outside, with the container's own cgroup at the root.
 */
export function cgroupMemory(host: Host): number | undefined {
  const places = own(host, memoryOfVersion1).map(
    (path) => `/sys/fs/cgroup/memory${path}/memory.limit_in_bytes`,
  );
  for (const root of roots) {
    if (text(host, `${root}/cgroup.controllers`) === undefined) continue;
    places.push(...own(host, version2).map((path) => `${root}${path}/memory.max`));
  }
  // Neither `max` nor what version 1 says for it, which has 19 digits.
  const limits = places.map((place) => /^\d{4,15}$/.exec(text(host, place)?.trim() ?? '')?.[0]);
  return limits.reduce<number | undefined>(
    (least, limit) => (limit === undefined ? least : Math.min(least ?? Infinity, Number(limit))),
    undefined,
  );
}
