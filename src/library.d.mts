import type { BuildOptions, Metafile } from 'esbuild';

/** The library's files by name, and of which source each is. */
export function bundleLibrary(
  src: string,
  options: BuildOptions,
): Promise<{ files: Map<string, string>; metafile: Metafile }>;
