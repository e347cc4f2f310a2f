/** Packages that a script for Node imports or requires, and that are in no node_modules that it would look in. */
import { posix } from 'node:path';
import type { Host } from '../host/index.js';
import { isPackageWord, nodeModules, type SandboxSpec } from '../resolve/index.js';
import { isRecord } from '../text/index.js';

const programs = ['node', 'nodejs', 'tsx', 'ts-node', 'bun'];

const named =
  /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)(["'])((?:@[\w.~-]+\/)?[\w~][\w.~-]*)(?:\/[^"'\n]*)?\1/g;

/** Names of packages, except where the script goes on without them. */
export function importsOfNode(text: string): string[] {
  const plain = text
    .replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
    .replace(/\btry\s*\{[^}]*\}/g, '');
  const names = [...plain.matchAll(named)].map(([, , name = '']) => name);
  return [...new Set(names.filter((name) => !nodeModules.has(name)))];
}

const around = (directory: string): string[] => {
  const above = posix.dirname(directory);
  return above === directory ? [directory] : [directory, ...around(above)];
};

/** Returns what the nearest package.json asks for. */
function askedBy(directories: readonly string[], host: Host): Readonly<Record<string, unknown>> {
  for (const directory of directories) {
    const bytes = host.files.read(posix.join(directory, 'package.json'), 1 << 20);
    if (bytes === undefined) continue;
    try {
      const manifest: unknown = JSON.parse(new TextDecoder().decode(bytes));
      if (!isRecord(manifest)) return {};
      const { dependencies, devDependencies } = manifest;
      const all = [devDependencies, dependencies].filter(isRecord);
      return Object.assign({ [String(manifest.name)]: true }, ...all);
    } catch {
      return {};
    }
  }
  return {};
}

/** Words for `--with`; undefined for another program than Node. */
export function missingNodePackages(
  spec: SandboxSpec,
  { text, script }: { readonly text: string; readonly script: string },
  host: Host,
): string[] | undefined {
  if (!programs.includes(posix.basename(spec.command.path))) return undefined;
  const directories = around(posix.dirname(host.files.realpath(script) ?? script));
  const shown = spec.views.find((view) => view.type === 'host' && view.target === '/node_modules');
  const places = [
    ...directories.map((directory) => posix.join(directory, 'node_modules')),
    ...(shown?.type === 'host' ? [shown.source] : []),
    ...(spec.env.NODE_PATH ?? '').split(':').filter((path) => path.startsWith('/')),
  ];
  const missing = importsOfNode(text).filter(
    (name) => !places.some((place) => host.files.stat(posix.join(place, name)) !== undefined),
  );
  if (missing.length === 0) return [];
  const asked = askedBy(directories, host);
  return missing
    .filter((name) => asked[name] !== true) // itself
    .map((name) => {
      const word = `${name}@${asked[name]}`;
      return typeof asked[name] === 'string' && isPackageWord('npm', word) ? word : name;
    });
}
