/** References: what names an image, and the platform that is wanted of it. */
import { UsageError } from '../errors/index.js';

/** A file or directory with images. */
export interface LocalReference {
  readonly kind: 'oci' | 'oci-archive' | 'docker-archive';
  /** Absolute. */
  readonly path: string;
  /** Says which image of several: the annotation `org.opencontainers.image.ref.name`, or a name in `RepoTags`. */
  readonly name: string | undefined;
  /** The reference in its one form: equal texts name the same image. */
  readonly text: string;
}

export interface RegistryReference {
  readonly kind: 'registry';
  /** `registry-1.docker.io`, `localhost:5000` */
  readonly host: string;
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
  /** The name as it was given, without tag and digest, where it names no registry: `python`. */
  readonly short: string | undefined;
  readonly text: string;
}

/** An image of the store by its id. */
export interface IdReference {
  readonly kind: 'id';
  readonly text: string;
}

export type ImageReference = LocalReference | RegistryReference | IdReference;

/** `os/architecture[/variant]`, as Go names them. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant: string | undefined;
}

const hint =
  'An image is named like python:3.13, registry.example.com/team/app:1.2, name@sha256:…, ' +
  'oci:DIRECTORY[:TAG], oci-archive:FILE or docker-archive:FILE.';

const wrong = (text: string, problem: string): UsageError =>
  new UsageError('ERR_OPTION_VALUE', `invalid image "${text}": ${problem}`, { hint });

const digestPattern = /^sha256:[0-9a-f]{64}$/;
const repositoryPattern =
  /^[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^\w[\w.-]{0,127}$/;
/** A name, an IPv4 address or an IPv6 address in brackets, and a port. */
const hostPattern =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?$/;

export const isDigest = (text: string): boolean => digestPattern.test(text);

/** Returns whether the text means an image ID, or a part of one. As in Docker, no repository can have such a name. */
export const isIdLike = (text: string): boolean => /^(?:sha\d+:|[0-9a-fA-F]{64}$)/.test(text);

/** Docker Hub has one host in references and another that serves it. */
const hubName = 'docker.io';
const hubNames = new Set([hubName, 'index.docker.io', 'registry-1.docker.io']);

/** The registry that a reference names: as in Docker, the first part is one if it looks like a host. */
function splitHost(text: string): [host: string | undefined, rest: string] {
  const slash = text.indexOf('/');
  const first = text.slice(0, Math.max(0, slash));
  const isHost = /[.:[]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
  return slash > 0 && isHost ? [first, text.slice(slash + 1)] : [undefined, text];
}

const dockerPrefix = 'docker://';

function registryReference(whole: string): RegistryReference {
  const isDockers = whole.startsWith(dockerPrefix);
  const text = isDockers ? whole.slice(dockerPrefix.length) : whole;
  if (isIdLike(text)) throw wrong(whole, 'an image ID is sha256: and 64 hexadecimal digits');
  const [beforeDigest = '', digest, ...more] = text.split('@');
  if (more.length > 0 || (digest !== undefined && !isDigest(digest))) {
    throw wrong(whole, 'the digest is not sha256: and 64 hexadecimal digits');
  }
  const [name, rest] = splitHost(beforeDigest);
  const host = name === undefined || hubNames.has(name) ? hubName : name;
  if (!hostPattern.test(host)) throw wrong(whole, `"${host}" is not a host`);
  const colon = rest.lastIndexOf(':');
  const path = colon < 0 ? rest : rest.slice(0, colon);
  const given = colon < 0 ? undefined : rest.slice(colon + 1);
  if (given !== undefined && !tagPattern.test(given)) throw wrong(whole, `"${given}" is not a tag`);
  const repository = host === hubName && !path.includes('/') ? `library/${path}` : path;
  if (!repositoryPattern.test(repository) || repository.length > 255) {
    throw wrong(whole, `"${path}" is not a repository name`);
  }
  const tag = given ?? (digest === undefined ? 'latest' : undefined);
  const suffix = `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
  return {
    kind: 'registry',
    host,
    repository,
    tag,
    digest,
    // A reference with docker:// leaves no question, as for skopeo.
    short: name === undefined && !isDockers ? path : undefined,
    text: `${host}/${repository}${suffix}`,
  };
}

const localKinds = ['oci-archive', 'docker-archive', 'oci'] as const;

/** Returns it without `.`, `..` and doubled slashes, as far as a text can say. */
function absolutePath(path: string, cwd: string): string {
  const names: string[] = [];
  for (const name of (path.startsWith('/') ? path : `${cwd}/${path}`).split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return `/${names.join('/')}`;
}

/**
 * @param cwd absolute directory that relative paths start from
 * @throws UsageError ERR_OPTION_VALUE
 */
export function parseReference(text: string, cwd: string): ImageReference {
  if (text === '' || text.length > 4096 || text.includes('\0')) throw wrong(text, 'not a name');
  if (isDigest(text)) return { kind: 'id', text };
  const kind = localKinds.find((one) => text.startsWith(`${one}:`));
  if (kind === undefined) return registryReference(text);
  const rest = text.slice(kind.length + 1);
  // The text after the first colon is a name, as for skopeo and podman.
  const colon = rest.indexOf(':');
  const named = colon < 0 ? rest : rest.slice(0, colon);
  const name = colon < 0 ? undefined : rest.slice(colon + 1);
  if (named === '' || name === '') throw wrong(text, 'a path is missing');
  const path = absolutePath(named, cwd);
  return { kind, path, name, text: `${kind}:${path}${name === undefined ? '' : `:${name}`}` };
}

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Returns the platform of this machine. */
export const hostPlatform = (): Platform => ({
  os: 'linux',
  architecture: architectures[process.arch] ?? process.arch,
  variant: undefined,
});

const aliases: ReadonlyMap<string, string> = new Map([
  ['x86_64', 'amd64'],
  ['aarch64', 'arm64'],
  ['armhf', 'arm/v7'],
  ['armel', 'arm/v6'],
  ['i386', '386'],
  ['i686', '386'],
]);

/** The names that Go has for Linux: https://go.dev/doc/install/source#environment */
const linuxArchitectures =
  '386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x';
const knownArchitectures: ReadonlySet<string> = new Set(linuxArchitectures.split(' '));
/** arm/v7, amd64/v2, arm64/v9.5, ppc64le/power10, riscv64/rva23u64 */
const variantPattern = /^(?:v\d{1,2}(?:\.\d{1,2})?|power\d{1,2}|rva\d{2}u64)$/;

/**
 * `linux/arm64/v8`, or only an architecture.
 * @throws UsageError ERR_OPTION_VALUE
 */
export function parsePlatform(text: string): Platform {
  const parts = text.split('/');
  const [os = '', name = '', ...rest] = parts.length === 1 ? ['linux', ...parts] : parts;
  const [architecture = '', variant, ...more] = [
    ...(aliases.get(name) ?? name).split('/'),
    ...rest,
  ];
  if (os !== 'linux') throw wrongPlatform(text, 'an image for Linux is needed');
  if (!knownArchitectures.has(architecture)) throw wrongPlatform(text, 'unknown architecture');
  if (more.length > 0 || (variant !== undefined && !variantPattern.test(variant))) {
    throw wrongPlatform(text, 'unknown variant');
  }
  return { os, architecture, variant };
}

const wrongPlatform = (text: string, problem: string): UsageError =>
  new UsageError('ERR_OPTION_VALUE', `invalid platform "${text}": ${problem}`, {
    hint:
      'A platform is linux/ARCHITECTURE[/VARIANT], such as linux/amd64 or linux/arm/v7. Architectures:\n' +
      `  ${linuxArchitectures.replaceAll(' ', ', ')}`,
  });

export const platformText = ({ os, architecture, variant }: Platform): string =>
  [os, architecture, ...(variant === undefined ? [] : [variant])].join('/');
