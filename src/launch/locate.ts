/**
 * Stage: launch. Finds and loads the native part: the addon for this platform, architecture and
 * libc, and the init executable, which needs no libc.
 */
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SupportError } from '../errors/index.js';
import { WB_WIRE_VERSION } from '../plan/wire.generated.js';
import type { Native } from './native.js';

/** Beside the bundle in an installed package; in dist/ when the sources run as they are. */
const directories = ['native/', '../../dist/native/'].map((relative) =>
  fileURLToPath(new URL(relative, import.meta.url)),
);

/**
 * The libc that this Node was linked with, by the dynamic linker that its executable names near its
 * beginning (PT_INTERP); `process.report` knows it too, but takes milliseconds.
 */
function libc(): 'glibc' | 'musl' {
  const start = Buffer.alloc(8192);
  const fd = openSync(process.execPath, 'r');
  try {
    readSync(fd, start);
  } finally {
    closeSync(fd);
  }
  return start.includes('/ld-musl-') ? 'musl' : 'glibc';
}

export interface NativePart {
  readonly native: Native;
  /** Absolute path of `wasbox-init`. */
  readonly init: string;
}

let loaded: NativePart | undefined;

/**
 * The native part, loaded once.
 * @throws SupportError where there is no build for this platform
 */
export function loadNative(): NativePart {
  if (loaded !== undefined) return loaded;
  const base = `${process.platform}-${process.arch}`;
  const addonFolder = `${base}-${process.platform === 'linux' ? libc() : 'none'}`;
  for (const directory of directories) {
    const addon = join(directory, addonFolder, 'wasbox.node');
    const init = join(directory, base, 'wasbox-init');
    if (!existsSync(addon) || !existsSync(init)) continue;
    // What require() does in the end, without loading node:module.
    const loading = { exports: {} };
    process.dlopen(loading, addon);
    const native = loading.exports as Native;
    if (native.wireVersion !== WB_WIRE_VERSION) {
      throw new SupportError('ERR_PLATFORM', `${addon} was built for another version of wasbox`, {
        hint: 'Build it again: npm run build:native',
      });
    }
    loaded = { native, init };
    return loaded;
  }
  throw new SupportError('ERR_PLATFORM', `wasbox has no native build for ${addonFolder}`, {
    hint:
      process.platform === 'linux'
        ? 'Build it from a clone of the repository: npm ci (needs a C++ compiler, make and python3).'
        : 'Sandboxes need Linux. The policy core (wasbox/policy) works everywhere.',
  });
}
