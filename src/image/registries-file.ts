/** One file of containers-registries.conf(5): what it says, by the types that its values must have. */
import { parse } from 'smol-toml';
import { ImageError } from '../errors/index.js';

export interface ConfiguredMirror {
  readonly location: string;
  readonly insecure: boolean;
  /** The references for which it is asked. */
  readonly pull: 'all' | 'digest-only' | 'tag-only';
}

/** A `[[registry]]`. */
export interface ConfiguredRegistry {
  /** `example.com`, `example.com/team`, `*.example.com` */
  readonly prefix: string;
  /** Takes the prefix's place; empty where a wildcard leaves names as they are. */
  readonly location: string;
  readonly insecure: boolean;
  readonly blocked: boolean;
  readonly mirrors: readonly ConfiguredMirror[];
  /** The file that says so. */
  readonly file: string;
}

/** A value with the file that it is from. */
export interface From<T> {
  readonly value: T;
  readonly file: string;
}

export interface Registries {
  readonly registries: readonly ConfiguredRegistry[];
  /** `unqualified-search-registries` */
  readonly search: From<readonly string[]> | undefined;
  readonly shortNameMode: From<'enforcing' | 'permissive' | 'disabled'> | undefined;
  /** The aliases of short names: `fedora` is `registry.fedoraproject.org/fedora`. */
  readonly aliases: ReadonlyMap<string, From<string>>;
}

export const invalid = (file: string, problem: string, cause?: unknown): ImageError =>
  new ImageError('ERR_REGISTRY', `${file}: ${problem}.`, { cause });

type Table = Readonly<Record<string, unknown>>;

/** Reads values of a table by their types: a `blocked = "true"` must not mean that nothing is blocked. */
class Reader {
  readonly file: string;

  constructor(file: string) {
    this.file = file;
  }

  #fail(name: string, type: string): never {
    throw invalid(this.file, `${name} is not ${type}`);
  }

  #value(table: Table, name: string): unknown {
    return Object.hasOwn(table, name) ? table[name] : undefined;
  }

  text(table: Table, name: string): string {
    const value = this.#value(table, name);
    return value === undefined ? '' : typeof value === 'string' ? value : this.#fail(name, 'text');
  }

  flag(table: Table, name: string): boolean {
    const value = this.#value(table, name);
    if (value !== undefined && typeof value !== 'boolean') this.#fail(name, 'true or false');
    return value === true;
  }

  texts(table: Table, name: string): string[] | undefined {
    const value = this.#value(table, name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value) || value.some((one) => typeof one !== 'string')) {
      this.#fail(name, 'a list of texts');
    }
    return value as string[];
  }

  table(table: Table, name: string): Table {
    const value = this.#value(table, name);
    const isTable = typeof value === 'object' && value !== null && !Array.isArray(value);
    return value === undefined ? {} : isTable ? (value as Table) : this.#fail(name, 'a table');
  }

  tables(table: Table, name: string): Table[] {
    const value = this.#value(table, name);
    if (value === undefined) return [];
    if (!Array.isArray(value) || value.some((one) => typeof one !== 'object' || one === null)) {
      this.#fail(name, 'a list of tables');
    }
    return value as Table[];
  }

  /** A registry, or a part of one, without the slashes at its end. */
  location(table: Table, name: string): string {
    const found = this.text(table, name).replace(/\/+$/, '');
    if (/^https?:\/\//.test(found)) {
      throw invalid(this.file, `${name} "${found}" is an address; name the host without http://`);
    }
    return found;
  }

  choice<T extends string>(table: Table, name: string, choices: readonly T[]): T | undefined {
    const found = this.text(table, name);
    if (found === '') return undefined;
    const choice = choices.find((one) => one === found);
    return choice ?? this.#fail(name, choices.join(', '));
  }
}

function mirrorsOf(table: Table, reader: Reader): ConfiguredMirror[] {
  const onlyDigests = reader.flag(table, 'mirror-by-digest-only');
  return reader.tables(table, 'mirror').map((one) => {
    const location = reader.location(one, 'location');
    if (location === '') throw invalid(reader.file, 'a mirror has no location');
    const own = reader.choice(one, 'pull-from-mirror', ['all', 'digest-only', 'tag-only']);
    return {
      location,
      insecure: reader.flag(one, 'insecure'),
      pull: onlyDigests ? 'digest-only' : (own ?? 'all'),
    };
  });
}

function registryOf(table: Table, reader: Reader): ConfiguredRegistry {
  const location = reader.location(table, 'location');
  const prefix = reader.location(table, 'prefix') || location;
  const isWildcard = prefix.startsWith('*.');
  if (prefix === '' || prefix.slice(isWildcard ? 1 : 0).includes('*')) {
    throw invalid(reader.file, `a registry has no valid prefix: "${prefix}"`);
  }
  if (isWildcard && /[/:@]/.test(prefix)) {
    throw invalid(reader.file, `the prefix "${prefix}" has more than a domain after its *`);
  }
  return {
    prefix,
    location: location === '' && !isWildcard ? prefix : location,
    insecure: reader.flag(table, 'insecure'),
    blocked: reader.flag(table, 'blocked'),
    mirrors: mirrorsOf(table, reader),
    file: reader.file,
  };
}

/** `[registries.search]`, `.insecure` and `.block`: what the file was before it had `[[registry]]`. */
function versionOne(parsed: Table, reader: Reader): Partial<Registries> {
  const all = reader.table(parsed, 'registries');
  const list = (name: string) => reader.texts(reader.table(all, name), 'registries');
  const [insecure = [], blocked = []] = [list('insecure'), list('block')];
  const search = list('search');
  return {
    registries: [...new Set([...insecure, ...blocked])].map((location) =>
      registryOf(
        { location, insecure: insecure.includes(location), blocked: blocked.includes(location) },
        reader,
      ),
    ),
    search: search === undefined ? undefined : { value: search, file: reader.file },
  };
}

export function parsedFile(source: string, file: string): Registries {
  let parsed: Table;
  try {
    parsed = parse(source);
  } catch (cause) {
    throw invalid(file, 'not valid TOML', cause);
  }
  const reader = new Reader(file);
  const first = versionOne(parsed, reader);
  const search = reader.texts(parsed, 'unqualified-search-registries');
  const mode = reader.choice(parsed, 'short-name-mode', ['enforcing', 'permissive', 'disabled']);
  const aliases = reader.table(parsed, 'aliases');
  return {
    registries: [
      ...(first.registries ?? []),
      ...reader.tables(parsed, 'registry').map((one) => registryOf(one, reader)),
    ],
    search: search === undefined ? first.search : { value: search, file },
    shortNameMode: mode === undefined ? undefined : { value: mode, file },
    aliases: new Map(
      Object.keys(aliases).map((name) => [name, { value: reader.text(aliases, name), file }]),
    ),
  };
}
