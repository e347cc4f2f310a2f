/**
 * Finds and loads the native part: the addon for this platform and architecture, which names no
 * libc and works with each, and the init executable, which needs none.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SupportError } from '../errors/index.js';
import { installedFile, nativeVariable, placesOf } from '../host/index.js';
import { WB_WIRE_VERSION } from '../plan/index.js';
import { withDescriptors } from './descriptors.js';
import { refuseOtherRuntimes } from './runtime.js';
import type { Native } from './types.js';
import { isWorker } from './worker.js';

export interface NativePart {
  readonly native: Native;
  /** Absolute path of `wasbox-init`. */
  readonly init: string;
  /** Absolute path of the addon. */
  readonly addon: string;
}

let loaded: NativePart | undefined;

/**
 * The native part, loaded once.
 * @throws SupportError where there is no build for this platform, or the runtime is not Node
 */
export function loadNative(): NativePart {
  if (loaded !== undefined) return loaded;
  refuseOtherRuntimes();
  const base = `${process.platform}-${process.arch}`;
  const addon = installedFile(`native/${base}/wasbox.node`);
  const init = addon && join(dirname(addon), 'wasbox-init');
  if (addon === undefined || init === undefined || !existsSync(init)) throw notFound(base, init);
  // The loading that require() does in the end, without loading node:module.
  const loading = { exports: {} };
  try {
    process.dlopen(loading, addon);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SupportError('ERR_PLATFORM', `cannot load the native addon: ${why}`, {
      cause: error,
      hint: 'It needs Node.js 20.18 or newer (not 21, nor 22.0 to 22.2), and glibc 2.28 or newer, or musl.',
    });
  }
  const native = loading.exports as Native;
  if (native.wireVersion !== WB_WIRE_VERSION) {
    throw new SupportError('ERR_PLATFORM', `${addon} was built for another version of wasbox`, {
      hint: 'Rebuild it: npm run build:native',
    });
  }
  loaded = { native: isWorker() ? withDescriptors(native) : native, init, addon };
  return loaded;
}

/** @param init where it is missing beside the addon */
function notFound(base: string, init: string | undefined): SupportError {
  if (process.platform !== 'linux') {
    return new SupportError('ERR_PLATFORM', `wasbox has no native build for ${base}`, {
      hint: 'Sandboxes need Linux. The policy core (wasbox/policy) works everywhere.',
    });
  }
  const places = init === undefined ? placesOf(`native/${base}/wasbox.node`) : [init];
  return new SupportError(
    'ERR_PLATFORM',
    `the native part of wasbox for ${base} was not found: there is no ${places.join(', no ')}`,
    {
      hint: `If a bundler moved wasbox's script, keep wasbox external, or copy node_modules/wasbox/dist/{native,filters,tables,wasbox-core.wasm} beside the bundle, or set ${nativeVariable} to the directory native. In a clone of the repository: npm run build:native`,
    },
  );
}
