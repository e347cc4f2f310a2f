/** Names without a registry: what they mean by the configuration of the machine's container tools. */
import { ImageError } from '../errors/index.js';
import { type ImageReference, parseReference, type RegistryReference } from './reference.js';
import { type RegistriesHost, readRegistries } from './registries.js';

/** A name in full, and why. */
export interface NamedReference<T extends ImageReference = ImageReference> {
  readonly reference: T;
  /** The file that gave the name its registry; undefined where the name is one in full, and for Docker Hub's. */
  readonly file: string | undefined;
}

/** The reference at another registry, or by another name. */
function at(name: string, { tag, digest }: RegistryReference, file: string): NamedReference {
  const suffix = `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
  let reference: ImageReference | undefined;
  try {
    reference = parseReference(`${name}${suffix}`, '/');
  } catch {
    // told below
  }
  if (reference?.kind !== 'registry' || reference.short !== undefined) {
    throw new ImageError('ERR_REGISTRY', `${file}: "${name}" is not an image of a registry.`);
  }
  return { reference, file };
}

/**
 * Returns what a reference may mean, the likeliest first: of a short name its alias, else the same name at each of the
 * `unqualified-search-registries`, else at Docker Hub.
 * @param use whether an image of the store is looked for, or one is to be fetched
 * @throws ImageError ERR_REGISTRY
 */
export function namedReferences(
  reference: ImageReference,
  host: RegistriesHost,
  use: 'stored' | 'fetched' = 'stored',
): NamedReference[] {
  const { short } = reference.kind === 'registry' ? reference : { short: undefined };
  if (reference.kind !== 'registry' || short === undefined) return [{ reference, file: undefined }];
  const { aliases, search, shortNameMode } = readRegistries(host);
  const alias = aliases.get(short);
  if (alias !== undefined) return [at(alias.value, reference, alias.file)];
  if (search === undefined || search.value.length === 0) return [{ reference, file: undefined }];
  if (use === 'fetched' && search.value.length > 1 && shortNameMode?.value === 'enforcing') {
    throw new ImageError(
      'ERR_REGISTRY',
      `"${short}" could be an image of ${search.value.join(', ')}: ${shortNameMode.file} forbids to guess.`,
      { hint: `Name the registry:\n  ${search.value[0]}/${short}` },
    );
  }
  return search.value.map((registry) => at(`${registry}/${short}`, reference, search.file));
}
