/**
 * containers-registries.conf(5), as podman and skopeo read it: where the images of a name come from, what is blocked,
 * and what short names mean. Reads through {@link Host}: a run that names an image by a short name asks it, too.
 */
import { join } from 'node:path';
import type { Host } from '../host/index.js';
import {
  type ConfiguredRegistry,
  type From,
  invalid,
  parsedFile,
  type Registries,
} from './registries-file.js';

export type RegistriesHost = Pick<Host, 'env' | 'uid' | 'userById'> & {
  readonly files: Pick<Host['files'], 'stat' | 'read' | 'entries'>;
};

const system = '/etc/containers';
const fileLimit = 1 << 20;

/** Reads a file; undefined where there is none. What is there and cannot be read may block something: an error. */
function readFile(files: RegistriesHost['files'], file: string): Registries | undefined {
  let there: boolean;
  try {
    there = files.stat(file) !== undefined;
  } catch (cause) {
    throw invalid(file, 'cannot be read', cause);
  }
  if (!there) return undefined;
  const bytes = files.read(file, fileLimit);
  if (bytes === undefined) throw invalid(file, 'cannot be read');
  if (bytes.length === fileLimit) throw invalid(file, 'longer than 1 MiB');
  return parsedFile(new TextDecoder().decode(bytes), file);
}

/** The files of a `registries.conf.d`, in their order. */
function dropIns(files: RegistriesHost['files'], directory: string): string[] {
  let there: boolean;
  try {
    there = files.stat(directory)?.kind === 'directory';
  } catch (cause) {
    throw invalid(directory, 'cannot be read', cause);
  }
  const found = there ? files.entries(directory) : [];
  if (found === undefined) throw invalid(directory, 'cannot be read');
  return found
    .filter(({ name, kind }) => name.endsWith('.conf') && kind !== 'directory')
    .map(({ name }) => `${directory}/${name}`)
    .sort();
}

export const containersHome = ({ env, uid, userById }: Omit<RegistriesHost, 'files'>): string =>
  env.HOME ?? userById(uid)?.home ?? '/nonexistent';

/** Later files count more: by the prefix of a registry, by the name of an alias, else by the key. */
function merged(all: readonly Registries[]): Registries {
  const registries = new Map<string, ConfiguredRegistry>();
  const aliases = new Map<string, From<string>>();
  for (const one of all) {
    for (const registry of one.registries) registries.set(registry.prefix, registry);
    for (const [name, alias] of one.aliases) aliases.set(name, alias);
  }
  return {
    registries: [...registries.values()],
    search: all.findLast(({ search }) => search !== undefined)?.search,
    shortNameMode: all.findLast(({ shortNameMode }) => shortNameMode !== undefined)?.shortNameMode,
    aliases: new Map([...aliases].filter(([, { value }]) => value !== '')),
  };
}

/** @throws ImageError ERR_REGISTRY where a file is invalid */
export function readRegistries(host: RegistriesHost): Registries {
  const { env, files } = host;
  const home = containersHome(host);
  const own = join(home, '.config/containers');
  const named = env.CONTAINERS_REGISTRIES_CONF;
  const main =
    named !== undefined && named !== ''
      ? (readFile(files, named) ?? missing(named))
      : (readFile(files, `${own}/registries.conf`) ?? readFile(files, `${system}/registries.conf`));
  const recorded =
    host.uid === 0
      ? '/var/cache/containers'
      : join(env.XDG_CACHE_HOME || join(home, '.cache'), 'containers');
  const later = [
    ...dropIns(files, `${system}/registries.conf.d`),
    ...dropIns(files, `${own}/registries.conf.d`),
    // Podman records here what the user chose at its prompt.
    `${recorded}/short-name-aliases.conf`,
  ].map((file) => readFile(files, file));
  return merged([main, ...later].filter((one) => one !== undefined));
}

function missing(file: string): never {
  throw invalid(file, 'no such file, but CONTAINERS_REGISTRIES_CONF names it');
}

/** How much of a name a prefix takes up; undefined where it is not its prefix. */
function matchedLength(name: string, prefix: string): number | undefined {
  const ends = (length: number): boolean =>
    length === name.length || /[:/@]/.test(name[length] ?? '');
  if (!prefix.startsWith('*.')) {
    return name.startsWith(prefix) && ends(prefix.length) ? prefix.length : undefined;
  }
  const domain = prefix.slice(1);
  const host = /^[^/:@]*/.exec(name)?.[0] ?? '';
  return host.endsWith(domain) && host.length > domain.length ? host.length : undefined;
}

export interface MatchedRegistry {
  readonly registry: ConfiguredRegistry;
  /** The rest of the name, behind the prefix. */
  readonly rest: string;
}

/** The registry with the longest prefix of a name: `host/repository:tag`. */
export function matchRegistry(
  { registries }: Registries,
  name: string,
): MatchedRegistry | undefined {
  const [found] = registries
    .flatMap((registry) => {
      const length = matchedLength(name, registry.prefix);
      return length === undefined ? [] : [{ registry, rest: name.slice(length) }];
    })
    .sort((a, b) => b.registry.prefix.length - a.registry.prefix.length);
  return found;
}
