/**
 * containers-policy.json(5): which images the machine's container tools accept. wasbox verifies no signatures, so an
 * image that needs one is refused, as one is that the file rejects.
 */
import { dirname, join } from 'node:path';
import { ImageError } from '../errors/index.js';
import type { Host } from '../host/index.js';
import {
  containersHome,
  type ImageReference,
  type Json,
  type JsonObject,
  jsonObject,
  listOf,
  objectOf,
} from '../image/index.js';

const fileLimit = 1 << 20;

type Transport = 'docker' | 'oci' | 'oci-archive' | 'docker-archive';

/** `a/b/c`, `a/b`, `a` */
const prefixes = (path: string): string[] =>
  path
    .split('/')
    .map((_, i, all) => all.slice(0, all.length - i).join('/'))
    .filter((one) => one !== '');

/** `*.sub.example.com`, `*.example.com`, `*.com` */
const wildcards = (host: string): string[] =>
  host
    .replace(/:\d+$/, '')
    .split('.')
    .map((_, i, all) => `*.${all.slice(i + 1).join('.')}`)
    .slice(0, -1);

/** The transport of a reference, and its scopes, the most specific first. */
function scopesOf(
  reference: Exclude<ImageReference, { kind: 'id' }>,
): readonly [Transport, string[]] {
  if (reference.kind === 'registry') {
    const { host, repository, text } = reference;
    return ['docker', [text, ...prefixes(`${host}/${repository}`), ...wildcards(host), '']];
  }
  const { kind, path, text } = reference;
  if (kind === 'docker-archive') return [kind, ['']];
  const above: string[] = [];
  for (let one = path; one !== '/'; one = dirname(one)) above.push(one);
  return [kind, [text.slice(kind.length + 1), ...above, '']];
}

/** Returns an own property; `{}` has a prototype. `{}` has a prototype. */
const member = (object: JsonObject, name: string): Json | undefined =>
  Object.hasOwn(object, name) ? object[name] : undefined;

function requirementsOf(policy: JsonObject, transport: Transport, scopes: readonly string[]) {
  const transports = member(policy, 'transports');
  const all = transports === undefined ? {} : objectOf(transports, 'transports');
  const own = member(all, transport);
  const scoped = own === undefined ? {} : objectOf(own, transport);
  const scope = scopes.find((one) => member(scoped, one) !== undefined);
  const found = scope === undefined ? member(policy, 'default') : member(scoped, scope);
  const types = listOf(found, 'the requirements').map((one) => {
    const { type } = objectOf(one, 'a requirement');
    return typeof type === 'string' ? type : '';
  });
  return types.length === 0 ? ['reject'] : types;
}

function policyFile(host: Host): readonly [file: string, policy: JsonObject] | undefined {
  const own = join(containersHome(host), '.config/containers/policy.json');
  for (const file of [own, '/etc/containers/policy.json']) {
    try {
      if (host.files.stat(file) === undefined) continue;
      const bytes = host.files.read(file, fileLimit);
      if (bytes === undefined) throw new Error('no permission');
      return [file, jsonObject(bytes, file)];
    } catch (cause) {
      throw unusable(file, cause);
    }
  }
  return undefined;
}

const unusable = (file: string, cause: unknown): ImageError =>
  new ImageError('ERR_REGISTRY', `Cannot read ${file}, which says what images are accepted.`, {
    cause,
  });

/** @throws ImageError ERR_REGISTRY where the file rejects the image, or wants a signature of it */
export function refuseRejected(reference: ImageReference, host: Host): void {
  if (reference.kind === 'id') return;
  const found = policyFile(host);
  if (found === undefined) return;
  const [file, policy] = found;
  const [transport, scopes] = scopesOf(reference);
  let types: string[];
  try {
    types = requirementsOf(policy, transport, scopes);
  } catch (cause) {
    throw unusable(file, cause);
  }
  const refused = types.find((type) => type !== 'insecureAcceptAnything');
  if (refused === undefined) return;
  const { text } = reference;
  if (refused === 'reject') {
    throw new ImageError('ERR_REGISTRY', `${file} rejects ${text}.`, {
      hint: 'To allow it, change that file: man containers-policy.json',
    });
  }
  throw new ImageError(
    'ERR_REGISTRY',
    `${file} requires a signature of ${text} (${refused}), which wasbox cannot verify.`,
    {
      hint:
        transport === 'docker'
          ? `skopeo verifies it:\n  skopeo copy docker://${text} docker-archive:image.tar\n  wasbox image import image.tar --name ${text}`
          : undefined,
    },
  );
}
