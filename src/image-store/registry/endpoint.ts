/** Servers that have a repository: the registry itself, and mirrors before it. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { ImageError, UsageError } from '../../errors/index.js';
import type { RegistryReference } from '../../image/index.js';

export interface Endpoint {
  /** As references name it, for credentials: `docker.io`. */
  readonly registry: string;
  /** `registry-1.docker.io`, `localhost:5000` */
  readonly host: string;
  readonly repository: string;
  /** Whether it may be asked without TLS. */
  readonly plain: 'never' | 'fallback' | 'always';
}

export interface MirrorOptions {
  /** `HOST=MIRROR[/PATH]`: where a registry's images are looked for first. */
  readonly mirrors?: readonly string[] | undefined;
  /** Hosts that are asked without TLS. */
  readonly plainHttp?: readonly string[] | undefined;
}

const nameOfHost = (host: string): string => host.replace(/:\d+$/, '');

export const isLocalhost = (host: string): boolean =>
  /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(nameOfHost(host));

function endpoint(registry: string, repository: string, insecure: boolean): Endpoint {
  const plain = insecure ? 'always' : isLocalhost(registry) ? 'fallback' : 'never';
  const host = registry === 'docker.io' ? 'registry-1.docker.io' : registry;
  return { registry, host, repository, plain };
}

/** `mirror.example/path` and a repository: where the mirror has it. */
function mirrored(location: string, repository: string, insecure: boolean): Endpoint {
  const [host = '', ...path] = location.split('/');
  return endpoint(host, [...path, repository].join('/'), insecure);
}

/** A `[[registry]]` of containers-registries.conf(5). */
interface Configured {
  readonly prefix: string;
  readonly location: string;
  readonly insecure: boolean;
  readonly blocked: boolean;
  readonly mirrors: readonly { readonly location: string; readonly insecure: boolean }[];
}

type Table = Readonly<Record<string, unknown>>;
const tables = (value: unknown): Table[] => (Array.isArray(value) ? (value as Table[]) : []);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');

function configuration(env: Readonly<Record<string, string | undefined>>): Configured[] {
  const places = [
    env.CONTAINERS_REGISTRIES_CONF ?? '',
    join(env.HOME ?? homedir(), '.config/containers/registries.conf'),
    '/etc/containers/registries.conf',
  ];
  for (const path of places) {
    let source: string;
    try {
      source = readFileSync(path, 'utf8');
    } catch {
      continue;
    }
    let parsed: Table;
    try {
      parsed = parse(source);
    } catch (cause) {
      throw new ImageError('ERR_REGISTRY', `${path} is not valid TOML.`, { cause });
    }
    return tables(parsed.registry).map((one) => {
      const location = text(one.location);
      return {
        prefix: text(one.prefix) || location,
        location: location || text(one.prefix),
        insecure: one.insecure === true,
        blocked: one.blocked === true,
        mirrors: tables(one.mirror).map((mirror) => ({
          location: text(mirror.location),
          insecure: mirror.insecure === true,
        })),
      };
    });
  }
  return [];
}

function optionMirrors(mirrors: readonly string[], host: string): string[] {
  return mirrors.flatMap((one) => {
    const [of = '', location = '', ...more] = one.split('=');
    if (of === '' || !/^[\w.:[\]-]+(\/[\w.-]+)*$/.test(location) || more.length > 0) {
      throw new UsageError(
        'ERR_OPTION_VALUE',
        `invalid mirror: ${one} (try docker.io=mirror.example)`,
      );
    }
    return of === host ? [location] : [];
  });
}

/** In the order in which they are asked. */
export function endpointsOf(
  { host, repository }: RegistryReference,
  { mirrors = [], plainHttp = [] }: MirrorOptions,
  env: Readonly<Record<string, string | undefined>>,
): Endpoint[] {
  const plain = (location: string): boolean => plainHttp.includes(location.split('/')[0] ?? '');
  const whole = `${host}/${repository}`;
  const configured = configuration(env)
    .filter(({ prefix }) => prefix !== '' && (whole === prefix || whole.startsWith(`${prefix}/`)))
    .sort((a, b) => b.prefix.length - a.prefix.length)[0];
  const given = optionMirrors(mirrors, host).map((one) => mirrored(one, repository, plain(one)));
  if (configured === undefined) return [...given, endpoint(host, repository, plain(host))];
  if (configured.blocked) {
    throw new ImageError('ERR_REGISTRY', `registries.conf blocks ${configured.prefix}.`);
  }
  const rest = whole.slice(configured.prefix.length + 1);
  const at = (location: string, insecure: boolean): Endpoint =>
    mirrored(location, rest, insecure || plain(location));
  return [
    ...given,
    ...configured.mirrors
      .filter(({ location }) => location !== '')
      .map((one) => at(one.location, one.insecure)),
    at(configured.location, configured.insecure),
  ];
}
