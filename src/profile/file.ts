/** The text of a profile's file. */
import { UsageError } from '../errors/index.js';
import type { Host } from '../host/index.js';

const sizeLimit = 1 << 20;

/** @throws UsageError where there is no such file, or it is not text */
export function profileFileText(host: Host, name: string, path: string): string {
  const kind = host.files.stat(path)?.kind;
  const bytes = kind === 'file' ? host.files.read(path, sizeLimit + 1) : undefined;
  if (bytes === undefined || bytes.length > sizeLimit) {
    const why =
      kind === undefined
        ? 'no such file'
        : kind === 'file'
          ? 'not readable, or larger than 1 MiB'
          : 'not a file';
    throw new UsageError('ERR_PROFILE', `--profile ${name}: ${why}`, {
      hint: `The path is ${path}.`,
    });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    const hint = 'Profiles are TOML, which is UTF-8 text.';
    throw new UsageError('ERR_PROFILE', `--profile ${name}: not UTF-8 text`, { hint, cause });
  }
}
