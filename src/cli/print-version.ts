/** `wasbox --version`, and with `--verbose` which parts of which installation answer. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WasboxError } from '../errors/index.js';
import { loadNative } from '../native/index.js';
import { wasboxVersion } from '../version.js';
import { out } from './terminal.js';

/** The addon's path, or why none is loaded. */
function addon(): string {
  try {
    return loadNative().addon;
  } catch (error) {
    if (error instanceof WasboxError) return `none: ${error.message}`;
    throw error;
  }
}

const { quickjs, v8 } = process.versions as Readonly<Record<string, string | undefined>>;

/** @param native whether the native command was started, which left this to Node */
export function printVersion(verbose: boolean, native: boolean): void {
  out(`wasbox ${wasboxVersion}\n`);
  if (!verbose) return;
  // The directory of the bundle.
  const dist = dirname(fileURLToPath(import.meta.url));
  const build = `${process.platform}-${process.arch}`;
  const command = join(dist, 'native', build, 'wasbox');
  const inEngine = quickjs !== undefined;
  const rows: [string, string][] = [
    ['build', build],
    ['command', native || inEngine ? command : `Node: ${process.argv[1]}`],
    ['addon', inEngine ? 'in the engine' : addon()],
    inEngine
      ? ['engine', `QuickJS ${quickjs}, ${process.execPath}`]
      : ['Node', `${process.version}, V8 ${v8}, ${process.execPath}`],
    ['installed in', dirname(dist)],
  ];
  for (const [name, value] of rows) out(`${`${name}:`.padEnd(14)}${value}\n`);
}
