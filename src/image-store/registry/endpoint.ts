/** Servers that have a repository: the registry itself, and mirrors before it. */
import { ImageError, UsageError } from '../../errors/index.js';
import {
  type ConfiguredRegistry,
  matchRegistry,
  parseReference,
  type Registries,
  type RegistryReference,
} from '../../image/index.js';

export interface Endpoint {
  /** The name in references, for credentials: `docker.io`. */
  readonly registry: string;
  /** `registry-1.docker.io`, `localhost:5000` */
  readonly host: string;
  readonly repository: string;
  /** The name of the manifest: a tag or a digest. */
  readonly name: string;
  /**
   * How it may be asked without TLS: `fallback` where it talks none; `insecure` also where its certificate is not
   * trusted, or nothing answers there.
   */
  readonly plain: 'never' | 'fallback' | 'insecure' | 'always';
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

/** An address of a registry has no query, no user and no port but numbers: never part of a URL that means another. */
const hostPattern = /^[\w.:[\]-]+$/;

function optionMirrors(mirrors: readonly string[], host: string): string[] {
  return mirrors.flatMap((one) => {
    const [of = '', location = '', ...more] = one.split('=');
    if (of === '' || !/^[\w.:[\]-]+(\/[\w.-]+)*$/.test(location) || more.length > 0) {
      throw new UsageError('ERR_OPTION_VALUE', `--mirror: invalid mirror "${one}"`, {
        hint: 'Example: --mirror docker.io=mirror.example',
      });
    }
    return of === host ? [location] : [];
  });
}

function checkPlain(hosts: readonly string[]): void {
  const bad = hosts.find((one) => !hostPattern.test(one));
  if (bad === undefined) return;
  throw new UsageError('ERR_OPTION_VALUE', `--plain-http: "${bad}" is not a host`, {
    hint: 'Example: --plain-http registry.example:5000',
  });
}

/** Returns them in the order in which they are asked. @throws ImageError ERR_REGISTRY where the registry is blocked */
export function endpointsOf(
  reference: RegistryReference,
  { mirrors = [], plainHttp = [] }: MirrorOptions,
  registries: Registries,
): Endpoint[] {
  checkPlain(plainHttp);
  const endpoint = (
    { host: registry, repository, tag, digest }: RegistryReference,
    insecure: boolean,
  ): Endpoint => ({
    registry,
    host: registry === 'docker.io' ? 'registry-1.docker.io' : registry,
    repository,
    name: digest ?? tag ?? 'latest',
    plain: plainHttp.includes(registry)
      ? 'always'
      : insecure
        ? 'insecure'
        : isLocalhost(registry)
          ? 'fallback'
          : 'never',
  });
  const { host, text } = reference;
  const behindHost = text.slice(host.length);
  const given = optionMirrors(mirrors, host).map((one) =>
    endpoint(moved(`${one}${behindHost}`, '--mirror'), false),
  );
  const matched = matchRegistry(registries, text);
  if (matched === undefined) return [...given, endpoint(reference, false)];
  const { registry, rest } = matched;
  refuseBlocked(registry, text);
  const configured = registry.mirrors
    .filter(
      ({ pull }) => pull === 'all' || (pull === 'tag-only') === (reference.digest === undefined),
    )
    .map(({ location, insecure }) =>
      endpoint(moved(`${location}${rest}`, registry.file), insecure),
    );
  const own =
    registry.location === '' ? reference : moved(`${registry.location}${rest}`, registry.file);
  return [...given, ...configured, endpoint(own, registry.insecure)];
}

function refuseBlocked({ blocked, prefix, file }: ConfiguredRegistry, image: string): void {
  if (!blocked) return;
  throw new ImageError('ERR_REGISTRY', `${file} blocks ${prefix}: ${image} is not fetched.`, {
    hint: 'To allow it, remove "blocked = true" there.',
  });
}

/** The image at another place. */
function moved(text: string, by: string): RegistryReference {
  let found: ReturnType<typeof parseReference> | undefined;
  try {
    found = parseReference(text, '/');
  } catch {
    // told below
  }
  // A place without a registry would be one at Docker Hub.
  if (found?.kind === 'registry' && found.short === undefined) return found;
  throw new ImageError(
    'ERR_REGISTRY',
    `${by} leads to ${text}, which is not an image of a registry.`,
  );
}
