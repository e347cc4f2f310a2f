/** Tells which Node a program is, without starting it. */
import { posix } from 'node:path';
import type { Host } from '../host/index.js';

/** The first release that runs TypeScript without an option. */
const [firstMajor, firstMinor] = [22, 18];

/** Its headers, which every installation but those of some distributions has. */
function versionIn(host: Host, program: string): readonly number[] | undefined {
  const header = posix.join(posix.dirname(program), '../include/node/node_version.h');
  const bytes = host.files.read(header, 4096);
  const text = bytes && new TextDecoder().decode(bytes);
  const [major, minor] = ['MAJOR', 'MINOR'].map((part) =>
    Number(new RegExp(`^#define NODE_${part}_VERSION (\\d+)$`, 'm').exec(text ?? '')?.[1]),
  );
  return major === undefined || minor === undefined || !(major > 0) ? undefined : [major, minor];
}

/** @param program without links; returns undefined where its version is not known */
function nodeVersion(host: Host, program: string): string | undefined {
  const found = versionIn(host, program);
  if (found !== undefined) return found.join('.');
  return host.files.realpath(host.node.path) === program ? host.node.version : undefined;
}

/** Returns whether that Node runs TypeScript; undefined where its version is not known. */
export function runsTypeScript(host: Host, program: string): boolean | undefined {
  const [major, minor = 0] = nodeVersion(host, program)?.split('.').map(Number) ?? [];
  if (major === undefined) return undefined;
  return major > firstMajor || (major === firstMajor && minor >= firstMinor);
}

/** Returns the version of a Node that is known to be too old for TypeScript. */
export function oldNode(host: Host, path: string): string | undefined {
  const program = host.files.realpath(path) ?? path;
  return runsTypeScript(host, program) === false ? nodeVersion(host, program) : undefined;
}
