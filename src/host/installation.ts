/**
 * The files that come with the package beside its script: the native part, filters, tables, the policy
 * core. A bundler moves the script away from them.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Names the directory with the native part, `dist/native` of the package or a copy; beside it, the rest. */
export const nativeVariable = 'WASBOX_NATIVE_DIR';

/** A bundle of CommonJS has this, where a bundler leaves nothing of `import.meta`. */
declare const __filename: string | undefined;

/** Returns places: beside the bundle in an installed package; in dist/ when the sources run as they are. */
function besideScript(name: string): string[] {
  const url: string | undefined = import.meta.url;
  if (url !== undefined) {
    return [name, `../../dist/${name}`].map((one) => fileURLToPath(new URL(one, url)));
  }
  return typeof __filename === 'string' ? [join(dirname(__filename), name)] : [];
}

/** Returns places in the package from which a bundler took the script: in a node_modules above the bundle. */
function inPackages(name: string): string[] {
  const url: string | undefined = import.meta.url;
  const scripts = [
    url === undefined ? undefined : fileURLToPath(new URL('script', url)),
    typeof __filename === 'string' ? __filename : undefined,
    process.argv[1],
  ];
  const found = new Set<string>();
  for (const script of scripts) {
    if (script === undefined || script === '') continue;
    for (let at = dirname(script); ; at = dirname(at)) {
      found.add(join(at, 'node_modules/wasbox/dist', name));
      if (at === dirname(at)) break;
    }
  }
  return [...found];
}

/** Where a file is looked for, in this order. */
export function placesOf(name: string): string[] {
  const given = process.env[nativeVariable];
  const copied = given === undefined || given === '' ? [] : [join(given, '..', name)];
  return [...besideScript(name), ...copied, ...inPackages(name)];
}

/** A file of the installation; undefined if it is nowhere. */
export function installedFile(name: string): string | undefined {
  // The usual place first: all others take longer to name.
  return besideScript(name).find(existsSync) ?? placesOf(name).find(existsSync);
}
