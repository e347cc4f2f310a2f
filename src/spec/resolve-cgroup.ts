/**
 * Stage: spec. Where a run may have a cgroup (version 2) of its own: a directory that the caller may
 * write to, above its own cgroup or that itself, whose children get the memory and pids controllers.
 * That is what `Delegate=` of systemd gives, and each program that a user's manager has started.
 */
import type { Host } from './host.js';

/** The unified hierarchy, and where it is beside version 1. */
const roots = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'];
const controllers = ['memory', 'pids'];
const fileLimit = 4096;

function text(host: Host, path: string): string | undefined {
  const bytes = host.files.read(path, fileLimit);
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

/** The caller's own cgroup, and each above it, nearest first. */
function own(host: Host): string[] {
  const path = /^0::(\/.*)$/m.exec(text(host, '/proc/self/cgroup') ?? '')?.[1];
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
  const paths = own(host);
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
