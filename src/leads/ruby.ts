/** Libraries that a Ruby script requires, and that neither Ruby nor its gems have. */
import { posix } from 'node:path';
import type { Host } from '../host/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import { isHidden } from './file-failures.js';

const required = /(?:^|;)[ \t]*require[ \t(]+(["'])([a-z][\w/-]*)\1/gm;
/** Features that are in the interpreter itself. */
const builtIn = new Set(['enumerator', 'thread', 'rational', 'complex', 'fiber', 'ruby2_keywords']);

/** Gems of another name than what is required. */
const gemOf: Readonly<Record<string, string>> = {
  active_record: 'activerecord',
  'dotenv/load': 'dotenv',
};

/** Directories of a name or one level below, in which `require` looks. */
function librariesOf(prefix: string, host: Host): string[] {
  const { files } = host;
  const tops = [prefix, ...(prefix === '/usr' ? ['/usr/local'] : [])].map((top) => `${top}/lib`);
  const roots = tops.flatMap((top) => [
    `${top}/ruby`,
    ...files.list(top).flatMap((name) => (name.includes('-linux-') ? [`${top}/${name}/ruby`] : [])),
  ]);
  const versions = roots.flatMap((root) => {
    const all = files.list(root);
    const own = all.filter((name) => /^\d+\.\d+\.\d+$/.test(name)).map((name) => `${root}/${name}`);
    const others = ['site_ruby', 'vendor_ruby'].flatMap((name) =>
      all.includes(name)
        ? [
            `${root}/${name}`,
            ...files
              .list(`${root}/${name}`)
              .filter((one) => /^\d/.test(one))
              .map((one) => `${root}/${name}/${one}`),
          ]
        : [],
    );
    return [...own, ...others];
  });
  const machines = versions.flatMap((directory) =>
    files
      .list(directory)
      .filter((name) => name.includes('-linux'))
      .map((name) => `${directory}/${name}`),
  );
  return [...versions, ...machines];
}

const gemsBelow = (top: string, { files }: Host): string[] =>
  files
    .list(top)
    .map((version) => `${top}/${version}/gems`)
    .flatMap((gems) => files.list(gems).map((gem) => `${gems}/${gem}/lib`));

/** The directories of gems that are installed for all users. */
function gemsOf(prefix: string, host: Host): string[] {
  const tops = [
    `${prefix}/lib/ruby/gems`,
    '/usr/local/lib/ruby/gems',
    '/var/lib/gems',
    '/usr/share/rubygems-integration',
  ];
  return tops.flatMap((top) => gemsBelow(top, host));
}

export interface MissingGems {
  /** The directory of the user's own gems, where it has one and the sandbox hides it. */
  readonly hidden: string | undefined;
  /** Names of gems that are not installed. */
  readonly missing: readonly string[];
}

/** Returns undefined for another program than Ruby, or where its directories are not the usual ones. */
export function missingGems(
  spec: SandboxSpec,
  { text, script }: { readonly text: string; readonly script: string },
  host: Host,
): MissingGems | undefined {
  const { command, identity } = spec;
  const none = { hidden: undefined, missing: [] };
  const real = host.files.realpath(command.path) ?? '';
  const [, prefix] = /^(.*)\/bin\/j?ruby[\d.]*$/.exec(real) ?? [];
  if (prefix === undefined) return undefined;
  const libraries = librariesOf(prefix, host);
  const isThere = (place: string, name: string): boolean =>
    ['.rb', '.so', ''].some((end) => host.files.stat(posix.join(place, name + end)) !== undefined);
  if (!libraries.some((place) => isThere(place, 'set.rb') || isThere(place, 'json'))) return none;
  const names = [...new Set([...text.matchAll(required)].map(([, , name = '']) => name))];
  const own = names.filter((name) => !builtIn.has(name));
  const places = [posix.dirname(script), ...libraries];
  const unknown = own.filter((name) => !places.some((place) => isThere(place, name)));
  const gems = gemsOf(prefix, host);
  const lacked = unknown.filter((name) => !gems.some((place) => isThere(place, name)));
  if (lacked.length === 0) return none;
  const top = `${identity.home}/.local/share/gem`;
  const ofUser = gemsBelow(`${top}/ruby`, host);
  const missing = lacked.filter((name) => !ofUser.some((place) => isThere(place, name)));
  const isHere = missing.length < lacked.length;
  return {
    hidden: isHere && isHidden(spec, top) ? top : undefined,
    missing: missing.map((name) => gemOf[name] ?? name.split('/')[0] ?? name),
  };
}
