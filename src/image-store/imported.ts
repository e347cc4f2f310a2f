/** Finds what a path holds that is to be imported, where the user does not say it. */
import { statSync } from 'node:fs';
import { aboutImage } from '../image/index.js';
import { archiveFiles, unreadable } from './source/files.js';

const kinds = /^(?:oci|oci-archive|docker-archive):/;

/** `FILE` and `DIRECTORY` as references: `oci:…`, `oci-archive:…`, `docker-archive:…`. */
export async function importedReference(text: string): Promise<string> {
  if (kinds.test(text)) return text;
  let isDirectory: boolean;
  try {
    isDirectory = statSync(text).isDirectory();
  } catch (error) {
    throw unreadable(text, error);
  }
  if (isDirectory) return `oci:${text}`;
  const files = await archiveFiles(text).catch((error: unknown) => {
    throw aboutImage(text, error);
  });
  try {
    // Newer versions of `docker save` write both.
    return `${files.read('index.json', 1 << 22) === undefined ? 'docker' : 'oci'}-archive:${text}`;
  } finally {
    files.close();
  }
}
