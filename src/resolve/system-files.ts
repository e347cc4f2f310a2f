/**
 * Files of the system that appear with a content or an owner of their own, because programs
 * would stumble over the host's.
 *
 * hosts(5): the sandbox has a host name, which programs look up (`hostname -f`, Java's getLocalHost).
 *
 * ssh_config(5): ssh ends at an included file that belongs neither to root nor to the user, and in a user
 * namespace root's files belong to nobody (user_namespaces(7)). A copy belongs to the user.
 */
import { posix } from 'node:path';
import { isPattern, parseGlob, startState, step } from '../options/index.js';
import { concatBytes } from '../text/index.js';
import type { Draft } from './draft.js';
import { hostName } from './system.js';
import { isPassed } from './views.js';

const hostsLimit = 262_144;
/** The limit of each file that ssh includes, and how many of them. */
const sshLimit = 65_536;
const sshFiles = 32;
/** The first that is there counts; the second is SUSE's. */
const sshConfigs = ['/etc/ssh/ssh_config', '/usr/etc/ssh/ssh_config'];

/** Adds the system's files. All mounts of the host's directories are known by then. */
export function addSystemFiles(draft: Draft): void {
  const hosts = readWhole(draft, '/etc/hosts', hostsLimit);
  if (hosts !== undefined) {
    // First, so that 127.0.1.1 leads back to this name; last, so that ::1 stays localhost. Without the
    // latter, looking the name up for IPv6 would ask a resolver.
    const lines = [`127.0.1.1\t${hostName}\n`, hosts, `\n::1\t${hostName}\n`];
    cover(draft, '/etc/hosts', lines);
  }
  const config = sshConfigs.find((path) => draft.host.files.lstat(path) !== undefined);
  if (config !== undefined) addIncluded(draft, config, new Set([config]));
}

/** The whole content of a file; undefined where there is none, or a longer one. */
function readWhole(draft: Draft, path: string, limit: number): Uint8Array | undefined {
  const content = draft.host.files.read(path, limit + 1);
  return content === undefined || content.length > limit ? undefined : content;
}

/** Shows a content in place of the system's file, if that is what the sandbox shows there. */
function cover(draft: Draft, path: string, parts: readonly (string | Uint8Array)[]): void {
  const target = draft.host.files.realpath(path);
  const mount = target === undefined ? undefined : draft.tree.over(target);
  if (target === undefined || !isPassed(mount) || mount.origin !== 'system') return;
  if (mount.target === target || mount.source !== mount.target) return;
  const content = concatBytes(parts);
  draft.tree.add({ type: 'file', target, content, mode: 0o644, covers: true });
}

/** The expression is for exec(): matchAll() compiles it anew, which takes the engine longer than all lines do. */
const including = /^[ \t]*include(?:[ \t]*=[ \t]*|[ \t]+)(.+)$/im;

/** Adds what a file of ssh's configuration includes, and what that includes in turn. */
function addIncluded(draft: Draft, config: string, seen: Set<string>): void {
  const bytes = readWhole(draft, config, sshLimit);
  const text = bytes === undefined ? '' : new TextDecoder().decode(bytes);
  // Most lines are not looked at by the expression, which takes the engine (src/engine) a while.
  const lines = text.split('\n').filter((line) => line.toLowerCase().includes('include'));
  for (const line of lines) {
    const [, names = ''] = including.exec(line) ?? [];
    for (const [, quoted, plain] of names.matchAll(/"([^"]*)"|(\S+)/g)) {
      for (const path of matches(draft, posix.resolve('/etc/ssh', quoted ?? plain ?? ''))) {
        if (seen.has(path) || seen.size >= sshFiles) continue;
        seen.add(path);
        takeOver(draft, path);
        addIncluded(draft, path, seen);
      }
    }
  }
}

/** Files of a directory that match a pattern for its names; ssh's patterns for directories are left out. */
function matches({ host }: Draft, pattern: string): string[] {
  if (!isPattern(pattern)) return [pattern];
  const glob = parseGlob(pattern);
  if (glob?.parts.length !== 1) return [];
  const directory = `/${glob.base.join('/')}`;
  const names = host.files.list(directory).filter((name) => step(glob, startState, name) === -1);
  return names.sort().map((name) => `${directory}/${name}`);
}

/** A copy where ssh outside would be content with the owner, and inside would not. */
function takeOver(draft: Draft, path: string): void {
  const { files } = draft.host;
  const info = files.stat(path);
  if (info?.kind !== 'file' || info.uid !== 0 || draft.host.nested || (info.mode & 0o022) !== 0) {
    return;
  }
  const content = readWhole(draft, path, sshLimit);
  if (content !== undefined) cover(draft, path, [content]);
}
