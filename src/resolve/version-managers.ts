/**
 * Shims of version managers, resolved from the managers' own files, by their own
 * rules, without starting them. The files may lie in the untrusted working directory, so a version
 * is a name and never a path (as in CVE-2022-35861).
 */
import { posix } from 'node:path';
import { UsageError } from '../errors/index.js';
import type { Host } from '../host/index.js';

interface Manager {
  readonly name: string;
  readonly rootVariable: string;
  readonly rootBelowHome: string;
  readonly versionVariable: string;
  readonly file: string;
  /** Prefix that may stand before a version, for instance `python-`. */
  readonly prefix: string;
}

/** pyenv and those built like it: $VARIABLE, FILE upwards, $ROOT/version, else the system's. */
const managers: readonly Manager[] = [
  {
    name: 'pyenv',
    rootVariable: 'PYENV_ROOT',
    rootBelowHome: '.pyenv',
    versionVariable: 'PYENV_VERSION',
    file: '.python-version',
    prefix: 'python-',
  },
  {
    name: 'rbenv',
    rootVariable: 'RBENV_ROOT',
    rootBelowHome: '.rbenv',
    versionVariable: 'RBENV_VERSION',
    file: '.ruby-version',
    prefix: 'ruby-',
  },
  {
    name: 'nodenv',
    rootVariable: 'NODENV_ROOT',
    rootBelowHome: '.nodenv',
    versionVariable: 'NODENV_VERSION',
    file: '.node-version',
    prefix: 'node-',
  },
];

/** `path`: the real program; `system`: look further in PATH; undefined: not a shim. */
export type ShimResult = { readonly path: string } | 'system' | undefined;

export interface ShimQuery {
  readonly host: Host;
  /** Directory of the PATH entry, and the program's name. */
  readonly directory: string;
  readonly program: string;
  /** Where the search for version files begins: the working directory. */
  readonly start: string;
  readonly home: string;
}

export function resolveShim(query: ShimQuery): ShimResult {
  const { host, directory } = query;
  for (const manager of managers) {
    const root = rootOf(query, manager.rootVariable, manager.rootBelowHome);
    if (directory === posix.join(root, 'shims')) return fromManager(query, manager, root);
  }
  for (const [variable, below] of [
    ['ASDF_DATA_DIR', '.asdf'],
    ['MISE_DATA_DIR', '.local/share/mise'],
  ] as const) {
    const root = rootOf(query, variable, below);
    if (directory === posix.join(root, 'shims')) return fromToolVersions(query, root);
  }
  const volta = rootOf(query, 'VOLTA_HOME', '.volta');
  if (directory === posix.join(volta, 'bin')) {
    const target = host.files.realpath(posix.join(directory, query.program));
    if (target !== undefined && /\/volta-shim$/.test(target)) return fromVolta(query, volta);
  }
  return undefined;
}

function rootOf(query: ShimQuery, variable: string, below: string): string {
  const moved = query.host.env[variable];
  return moved?.startsWith('/') ? posix.resolve(moved) : posix.join(query.home, below);
}

const versionName = /^[A-Za-z0-9][A-Za-z0-9._+@-]*$/;

function fromManager(query: ShimQuery, manager: Manager, root: string): ShimResult {
  const { host, program } = query;
  const { names, from } = chosenVersions(query, manager, root);
  if (names.length === 0) return 'system';
  for (const name of names) {
    if (name === 'system') return 'system';
    const version = installedVersion(host, manager, root, name);
    const path = version && posix.join(root, 'versions', version, 'bin', program);
    if (path && host.files.access(path, 'execute')) return { path };
  }
  throw new UsageError(
    'ERR_NO_INTERPRETER',
    `${manager.name} selects version ${names.join(', ')} (${from}), which has no ${program} here`,
    { hint: `Install it: ${manager.name} install ${names[0]}. Or select another version there.` },
  );
}

function chosenVersions(query: ShimQuery, manager: Manager, root: string) {
  const { host } = query;
  const chosen = host.env[manager.versionVariable];
  if (chosen) return { names: versionWords(chosen), from: `$${manager.versionVariable}` };
  const candidates = [...upwards(query.start, manager.file), posix.join(root, 'version')];
  for (const file of candidates) {
    const text = readText(host, file);
    const names = text === undefined ? [] : versionWords(text);
    if (names.length > 0) return { names, from: file };
  }
  return { names: [], from: '' };
}

function versionWords(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .flatMap((line) => line.split(/[\s:]+/))
    .filter((word) => versionName.test(word) && !word.includes('..'));
}

/** The directory of a version: by its name, without its prefix, or the latest that it begins. */
function installedVersion(host: Host, manager: Manager, root: string, name: string) {
  const bare = name.startsWith(manager.prefix) ? name.slice(manager.prefix.length) : name;
  const installed = host.files.list(posix.join(root, 'versions'));
  for (const candidate of [name, bare, bare.replace(/^v/, '')]) {
    if (installed.includes(candidate)) return candidate;
  }
  return latest(installed.filter((version) => version.startsWith(`${bare}.`)));
}

function latest(versions: readonly string[]): string | undefined {
  const stable = versions.filter((version) => /^v?\d+(\.\d+)*$/.test(version));
  return stable.sort(byNumbers).at(-1);
}

/** Compares versions by their numbers: 3.10 is later than 3.9. No locale, of which the engine knows none. */
function byNumbers(a: string, b: string): number {
  const [as, bs] = [a, b].map((version) => version.replace('v', '').split('.').map(Number));
  for (const [i, number] of (as ?? []).entries()) {
    const difference = number - (bs?.[i] ?? -1);
    if (difference !== 0) return difference;
  }
  return (as?.length ?? 0) - (bs?.length ?? 0) || (a < b ? -1 : 1);
}

function* upwards(start: string, file: string): Generator<string> {
  for (let directory = start; ; directory = posix.dirname(directory)) {
    yield posix.join(directory, file);
    if (directory === '/') return;
  }
}

function readText(host: Host, path: string): string | undefined {
  const bytes = host.files.read(path, 65_536);
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

/** asdf and mise: `.tool-versions` or `mise.toml` upwards, in home, and mise's own settings. */
function fromToolVersions(query: ShimQuery, root: string): ShimResult {
  const { host, program, start, home } = query;
  const installs = posix.join(root, 'installs');
  const tools = host.files
    .list(installs)
    .filter((tool) =>
      host.files
        .list(posix.join(installs, tool))
        .some((version) =>
          host.files.access(posix.join(installs, tool, version, 'bin', program), 'execute'),
        ),
    );
  const files = [
    ...upwards(start, '.tool-versions'),
    ...upwards(start, 'mise.toml'),
    ...upwards(start, '.mise.toml'),
    posix.join(home, '.tool-versions'),
    posix.join(home, '.config/mise/config.toml'),
  ];
  for (const tool of tools) {
    const asked = host.env[`ASDF_${tool.toUpperCase().replaceAll('-', '_')}_VERSION`];
    const wanted = asked ? [asked] : files.flatMap((file) => toolVersions(host, file, tool));
    const versions = host.files.list(posix.join(installs, tool));
    for (const name of wanted) {
      if (name === 'system') return 'system';
      if (!versionName.test(name) || name.includes('..')) continue;
      const begins = versions.filter((version) => version.startsWith(`${name}.`));
      const version = versions.includes(name) ? name : latest(begins);
      if (version === undefined) continue;
      const path = posix.join(installs, tool, version, 'bin', program);
      if (host.files.access(path, 'execute')) return { path };
    }
  }
  return 'system';
}

function toolVersions(host: Host, file: string, tool: string): string[] {
  const text = readText(host, file);
  if (text === undefined) return [];
  if (!file.endsWith('.toml')) {
    const lines = text.split('\n').map((line) => line.replace(/#.*/, '').trim().split(/\s+/));
    return lines.find(([name]) => name === tool)?.slice(1) ?? [];
  }
  const section = /^\[tools\]\s*$([\s\S]*?)(?=^\[|(?![\s\S]))/m.exec(text)?.[1] ?? '';
  for (const line of section.split('\n')) {
    const match = /^\s*"?([\w:.-]+)"?\s*=\s*\[?\s*"([^"]+)"/.exec(line);
    if (match?.[1] === tool && match[2] !== undefined) return [match[2]];
  }
  return [];
}

/** Volta: `volta.node` in package.json upwards, else the default platform. */
function fromVolta(query: ShimQuery, root: string): ShimResult {
  const { host, program, start } = query;
  const fallback = readJson(host, posix.join(root, 'tools/user/platform.json'));
  let version = at(fallback, 'node', 'runtime');
  for (const file of upwards(start, 'package.json')) {
    const pinned = at(readJson(host, file), 'volta', 'node');
    if (pinned === undefined) continue;
    version = pinned;
    break;
  }
  if (version === undefined || !versionName.test(version) || version.includes('..'))
    return undefined;
  const path = posix.join(root, 'tools/image/node', version, 'bin', program);
  return host.files.access(path, 'execute') ? { path } : undefined;
}

function readJson(host: Host, path: string): unknown {
  const text = readText(host, path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // as Volta itself: a broken file pins nothing
  }
}

function at(value: unknown, ...keys: readonly string[]): string | undefined {
  let current = value;
  for (const key of keys) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = (current as Record<string, unknown>)[key];
  }
  return typeof current === 'string' ? current : undefined;
}
