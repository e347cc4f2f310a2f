/** Packages that a script for Node imports or requires, and that are in no node_modules that it would look in. */
import { posix } from 'node:path';
import type { Host } from '../host/index.js';
import {
  importsOfNode,
  isPackageWord,
  runsTypeScript,
  type SandboxSpec,
} from '../resolve/index.js';
import { isRecord } from '../text/index.js';

const programs = ['node', 'nodejs', 'tsx', 'ts-node', 'bun'];

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
  const program = host.files.realpath(spec.command.path) ?? spec.command.path;
  const isPlain = /^node(?:js)?$/.test(posix.basename(spec.command.path));
  const another = isPlain && /\.[mc]?tsx?$/.test(script) && runsTypeScript(host, program) !== true;
  if (another) missing.push('tsx');
  if (missing.length === 0) return [];
  const asked = askedBy(directories, host);
  return missing
    .filter((name) => asked[name] !== true) // itself
    .map((name) => {
      const word = `${name}@${asked[name]}`;
      return typeof asked[name] === 'string' && isPackageWord('npm', word) ? word : name;
    });
}
