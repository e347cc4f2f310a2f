/**
 * `--for`: hosts, variables and files of presets become options, before anything is decided; their caches
 * become writable places of home that last, in wasbox's state directory.
 */
import { posix } from 'node:path';
import { type Host, stateDirectory } from '../host/index.js';
import type { NetworkOption, ResolveOptions } from '../options/index.js';
import {
  type AskedPreset,
  askedPresets,
  askSources,
  type Found,
  rulesOf,
  withoutPassword,
} from '../preset/index.js';
import { canHold, Draft, type Workdir } from './draft.js';
import type { ResolvedImage } from './image.js';
import { findProgram } from './programs.js';
import type { IdentitySpec } from './spec.js';
import { untrustedDirectories } from './untrusted-link.js';
import { passedView } from './views.js';

/** A directory that lasts, and where it appears. */
interface Cache {
  readonly preset: string;
  readonly source: string;
  readonly target: string;
}

export interface ResolvedPresets {
  readonly options: ResolveOptions;
  readonly caches: readonly Cache[];
  /** Text by path inside. */
  readonly files: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
}

/** Where caches are, below the state directory: `caches/<preset>/<project>/<number>`. */
export const cachesName = 'caches';

export function resolvePresets(
  options: ResolveOptions,
  host: Host,
  identity: IdentitySpec,
  workdir: Workdir,
  image?: ResolvedImage,
): ResolvedPresets {
  if (options.for === undefined) return { options, caches: [], files: {}, notes: [] };
  const draft = new Draft(options, host, identity, workdir, undefined, image);
  const context = {
    host,
    home: identity.home,
    untrusted: untrustedDirectories(options, host, workdir.path),
    find: (program: string) => findProgram(draft, program),
  };
  const { command } = options;
  const isFile = command === undefined || command.includes('/') || command === '-';
  let all = options;
  const caches: Cache[] = [];
  let files: Readonly<Record<string, string>> = {};
  const notes: string[] = [];
  for (const asked of askedPresets(options.for, isFile ? undefined : command)) {
    const { preset } = asked;
    const found = askSources(preset, context);
    const rules = rulesOf(preset, found);
    if (preset.sources.length > 0 && rules.length === 0) {
      notes.push(
        `--for ${preset.name}: its configuration names no host. Allow those that it needs with --net`,
      );
    }
    if ([...found.values()].flat().some((value) => withoutPassword(value) !== value)) {
      notes.push(`--for ${preset.name}: the program does not get the password of its registry`);
    }
    const env = variablesOf(asked, found, identity.home);
    const ro = preset.readOnly
      .map((path) => inHome(path, identity.home))
      .filter((path) => host.files.access(path, 'read'));
    all = {
      ...all,
      net: joined(all.net, rules),
      env: { ...env, ...all.env },
      ro: [...(all.ro ?? []), ...ro.filter((path) => !(all.ro ?? []).includes(path))],
    };
    if (options.install === undefined) caches.push(...cachesOf(asked, host, identity, workdir));
    files = { ...files, ...preset.files };
  }
  // Packages that are installed for many runs come from the index, not from what one project fetched.
  if (options.install !== undefined) caches.push({ preset: 'with', ...options.install });
  return { options: all, caches, files, notes };
}

const inHome = (path: string, home: string): string =>
  path.startsWith('~/') ? posix.join(home, path.slice(2)) : path;

/** Joins what `--net` says and the rules; a mode that allows more stays. */
function joined(
  net: NetworkOption | undefined,
  rules: readonly string[],
): NetworkOption | undefined {
  const before = net === undefined ? [] : typeof net === 'string' ? net.split(',') : net;
  if (rules.length === 0 || before.includes('host')) return net;
  return [...new Set([...before.filter((rule) => rule !== 'none'), ...rules])];
}

/** A variable is left out where what it takes its value from was not found. */
function variablesOf({ preset }: AskedPreset, found: Found, home: string): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const [variable, template] of Object.entries(preset.environment)) {
    let whole = true;
    const value = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
      if (name === 'home') return home;
      const values = found.get(name);
      whole &&= values !== undefined;
      return (values ?? []).map(withoutPassword).join(' ');
    });
    if (whole) variables[variable] = value;
  }
  return variables;
}

function cachesOf(
  { preset, shared }: AskedPreset,
  host: Host,
  identity: IdentitySpec,
  { dev, ino }: Workdir,
): Cache[] {
  const project = shared ? 'shared' : `${dev}-${ino}`;
  const top = posix.join(stateDirectory(host).directory, cachesName, preset.name, project);
  return preset.caches.map((path, index) => ({
    preset: preset.name,
    source: posix.join(top, String(index)),
    target: inHome(path, identity.home),
  }));
}

/** Mounts the caches where the tools look for them, and the files of presets. */
export function addPresets(draft: Draft, { caches, files, notes }: ResolvedPresets): void {
  for (const note of notes) draft.note(note);
  for (const [target, text] of Object.entries(files)) {
    const content = new TextEncoder().encode(`${text}\n`);
    draft.tree.add({ type: 'file', target, content, mode: 0o644 });
  }
  for (const { preset, source, target } of caches) {
    const place = draft.tree.linkTo(target);
    if (draft.tree.at(place.path) !== undefined || !canHold(place)) {
      draft.note(`--for ${preset}: no cache, because ${target} is mounted otherwise`);
      continue;
    }
    const view = { source, target: place.path, directory: true, origin: 'cache' } as const;
    draft.tree.add(passedView(false, view));
  }
}
