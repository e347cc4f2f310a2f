/**
 * Finds and loads the native part: the addon for this platform and architecture, which names no
 * libc and works with each, and the init executable, which needs none.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SupportError } from '../errors/index.js';
import { WB_WIRE_VERSION } from '../plan/index.js';
import { withDescriptors } from './descriptors.js';
import { refuseOtherRuntimes } from './runtime.js';
import type { Native } from './types.js';

/** Beside the bundle in an installed package; in dist/ when the sources run as they are. */
const directories = (): string[] =>
  ['native/', '../../dist/native/'].map((relative) =>
    fileURLToPath(new URL(relative, import.meta.url)),
  );

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
  for (const directory of directories()) {
    const addon = join(directory, base, 'wasbox.node');
    const init = join(directory, base, 'wasbox-init');
    if (!existsSync(addon) || !existsSync(init)) continue;
    // What require() does in the end, without loading node:module.
    const loading = { exports: {} };
    try {
      process.dlopen(loading, addon);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new SupportError('ERR_PLATFORM', `cannot load the native addon: ${why}`, {
        cause: error,
        hint: 'It needs Node.js 20.18 or newer, and glibc 2.28 or newer, or musl.',
      });
    }
    const native = loading.exports as Native;
    if (native.wireVersion !== WB_WIRE_VERSION) {
      throw new SupportError('ERR_PLATFORM', `${addon} was built for another version of wasbox`, {
        hint: 'Rebuild it: npm run build:native',
      });
    }
    const { isMainThread } = process.getBuiltinModule('node:worker_threads');
    loaded = { native: isMainThread ? native : withDescriptors(native), init, addon };
    return loaded;
  }
  throw new SupportError('ERR_PLATFORM', `wasbox has no native build for ${base}`, {
    hint:
      process.platform === 'linux'
        ? 'Build it from a clone of the repository: npm ci (needs a C++ compiler, make and python3).'
        : 'Sandboxes need Linux. The policy core (wasbox/policy) works everywhere.',
  });
}
