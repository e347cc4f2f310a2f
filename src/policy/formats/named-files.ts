/** Files that a policy of another tool builds on. */
import type { ImportFormat } from './readers.js';
import { baseFiles } from './spo.js';

const patterns: Readonly<Partial<Record<ImportFormat, RegExp>>> = {
  minijail: /^[ \t]*@(?:include|frequency)[ \t]+([^"\n]+?)[ \t\r]*$/gm,
  kafel: /^[ \t]*#include[ \t]+"([^"\n]+)"/gm,
  firejail: /^[ \t]*include[ \t]+([^#\n]+?)[ \t\r]*(?:#.*)?$/gm,
  spo: /^[ \t]*"?baseProfileName"?[ \t]*:[ \t]*["']?([^"'#,\s]+)/gm,
};

/** More are hardly meant. */
const mostFiles = 128;

/**
 * Names of files that a policy says it needs, as `importPolicy` takes them in `includes`. Of a base profile
 * all names that it may have; not every file of firejail has to exist.
 */
export function filesNamedIn(text: string, from: ImportFormat): string[] {
  const pattern = patterns[from];
  if (pattern === undefined) return [];
  const names = [...text.matchAll(pattern)].slice(0, mostFiles).map(([, name = '']) => name);
  return from === 'spo' ? names.flatMap(baseFiles) : names;
}
