/** Stage: spec. The text of the syscall policy and of the files that it includes. */
import { posix } from 'node:path';
import { WasboxError } from '../errors/index.js';
import type { Host } from './host.js';
import type { PolicySpec } from './types.js';

const sizeLimit = 1 << 20;
const fileLimit = 64;

export function resolvePolicy(file: string | undefined, host: Host): PolicySpec {
  if (file === undefined) return { name: 'default', text: undefined, includes: {} };
  const path = posix.resolve(host.cwd() ?? '/', file);
  const text = readPolicy(host, path);
  if (text === undefined) {
    const kind = host.files.stat(path)?.kind;
    throw new WasboxError(
      'ERR_POLICY_UNREADABLE',
      `--policy ${file}: ${kind === undefined ? 'no such file' : kind === 'file' ? 'it cannot be read, or is longer than 1 MiB' : 'not a file'}`,
      { hint: `Looked for ${path}. Without --policy the built-in policy is used.` },
    );
  }
  const includes: Record<string, string> = {};
  collect(host, posix.dirname(path), text, includes);
  return { name: file, text, includes };
}

function readPolicy(host: Host, path: string): string | undefined {
  if (host.files.stat(path)?.kind !== 'file') return undefined;
  const bytes = host.files.read(path, sizeLimit + 1);
  if (bytes === undefined || bytes.length > sizeLimit) return undefined;
  return new TextDecoder().decode(bytes);
}

/** Files beside the policy that `include` names; the core says where one is missing. */
function collect(host: Host, base: string, text: string, found: Record<string, string>): void {
  for (const [, name = ''] of text.matchAll(/^\s*include\s+"([^"\n]+)"/gm)) {
    if (Object.hasOwn(found, name) || Object.keys(found).length >= fileLimit) continue;
    const included = readPolicy(host, posix.resolve(base, name));
    if (included === undefined) continue;
    found[name] = included;
    collect(host, base, included, found);
  }
}
