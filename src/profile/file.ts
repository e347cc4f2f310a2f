/** The text of a profile's file. */
import { UsageError } from '../errors/index.js';
import type { Host } from '../host/index.js';

const sizeLimit = 1 << 20;

/** @throws UsageError where there is no such file, or no text in it */
export function profileFileText(host: Host, name: string, path: string): string {
  const kind = host.files.stat(path)?.kind;
  const bytes = kind === 'file' ? host.files.read(path, sizeLimit + 1) : undefined;
  if (bytes === undefined || bytes.length > sizeLimit) {
    const why =
      kind === undefined
        ? 'no such file'
        : kind === 'file'
          ? 'it cannot be read, or is longer than 1 MiB'
          : 'not a file';
    throw new UsageError('ERR_PROFILE', `--profile ${name}: ${why}`, {
      hint: `Looked for ${path}.`,
    });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    const hint = 'A profile is TOML, which is UTF-8.';
    throw new UsageError('ERR_PROFILE', `--profile ${name}: it is no text`, { hint, cause });
  }
}
