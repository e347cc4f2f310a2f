/**
 * Finds what the sources of a preset name: registries and mirrors of the user's own configuration, or of the
 * installed tool. Files in the sandboxed directory are not asked: they came with the untrusted code.
 */
import { posix } from 'node:path';
import { type Host, isWithin } from '../host/index.js';
import { readNetRule } from '../options/index.js';
import type { Preset, PresetSource } from './preset.js';

export interface SourceContext {
  readonly host: Host;
  readonly home: string;
  /** Directories whose content the user did not choose. */
  readonly untrusted: readonly string[];
  /** Where a program of PATH is, behind shims. */
  readonly find: (program: string) => string | undefined;
}

/** Configuration is short; npm's definitions are the largest. */
const maxFile = 1024 * 1024;

/** The values that were found, by the name of the source. */
export type Found = ReadonlyMap<string, readonly string[]>;

export function askSources({ sources }: Preset, context: SourceContext): Found {
  const found = new Map<string, readonly string[]>();
  for (const source of sources) {
    if (found.has(source.name)) continue;
    if (source.unless !== undefined && found.has(source.unless)) continue;
    const values = valuesOf(source, context);
    if (values.length > 0) found.set(source.name, values);
  }
  return found;
}

function valuesOf({ variable, file, pattern }: PresetSource, context: SourceContext): string[] {
  if (variable !== undefined) {
    const value = context.host.env[variable];
    return value === undefined || value === '' ? [] : [value];
  }
  if (file === undefined || pattern === undefined) return [];
  const found: string[] = [];
  for (const path of pathsOf(file, context)) {
    const real = context.host.files.realpath(path);
    if (real === undefined || context.untrusted.some((top) => isWithin(real, top))) continue;
    const bytes = context.host.files.read(real, maxFile);
    if (bytes === undefined) continue;
    const text = new TextDecoder().decode(bytes);
    for (const [, ...groups] of text.matchAll(new RegExp(pattern, 'gm'))) {
      // Nothing that a program is given can have a NUL.
      found.push(...groups.filter((group) => group !== undefined && !group.includes('\0')));
    }
  }
  return found;
}

/** The paths that a name with `~`, `{program}` and `*` stands for. */
function pathsOf(file: string, { host, home, find }: SourceContext): string[] {
  const [, program, below = ''] = /^\{([\w-]+)\}\/(.*)$/.exec(file) ?? [];
  let path = file.startsWith('~/') ? posix.join(home, file.slice(2)) : file;
  if (program !== undefined) {
    const at = find(program);
    const real = at === undefined ? undefined : host.files.realpath(at);
    if (real === undefined) return [];
    path = posix.join(posix.dirname(real), below);
  }
  const names = path.split('/');
  const star = names.findIndex((name) => name.includes('*'));
  if (star < 0) return [path];
  const top = names.slice(0, star).join('/');
  const [before = '', after = ''] = (names[star] ?? '').split('*');
  return host.files
    .list(top)
    .filter((name) => name.startsWith(before) && name.endsWith(after))
    .sort()
    .map((name) => [top, name, ...names.slice(star + 1)].join('/'));
}

/** A URL without the user's name and password. */
export const withoutPassword = (url: string): string =>
  url.replace(/^([a-z+]+:\/\/)[^/@]*@/i, '$1');

const ports: Readonly<Record<string, string>> = {
  http: '80',
  https: '443',
  ssh: '22',
  git: '9418',
};

/** Rules of `--net` for what was found: hosts and ports of URLs, and plain host names. */
export function rulesOf({ sources }: Preset, found: Found): string[] {
  const silent = new Set(sources.filter(({ hosts }) => hosts === false).map(({ name }) => name));
  const rules = new Set<string>();
  for (const [name, values] of found) {
    if (silent.has(name)) continue;
    for (const part of values.flatMap((value) => value.split(/[\s,|]+/))) {
      const url =
        /^(?:([a-z]+)(?:\+[a-z]+)?:\/\/)?(?:[^/@]*@)?(\[[^\]]+\]|[^/:]+)(?::(\d+))?/i.exec(part);
      const [, scheme, host = '', given] = url ?? [];
      // Words such as `direct` and `off` are no hosts.
      if (scheme === undefined && !host.includes('.')) continue;
      const port = given ?? ports[scheme?.toLowerCase() ?? 'https'];
      if (port === undefined) continue; // file:, cdrom: and what else is not of the network
      const text = `${host}:${port}`;
      try {
        rules.add(readNetRule('--for', text).text);
      } catch {
        // The value is no address of the network: a path, or a mirror list.
      }
    }
  }
  return [...rules];
}
