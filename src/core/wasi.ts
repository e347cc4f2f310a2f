/**
 * The host of the module: three calls of WASI, answered by the shim, so that `include`
 * reads from files in memory and nothing else exists for it.
 */
import { Directory, File, type Inode, PreopenDirectory, WASI } from '@bjorn3/browser_wasi_shim';
import type { Imports, Instance } from './engine.js';

/** Descriptors 0 to 2 are closed; 3 is the directory of includes. */
const firstFree = 4;

export class CoreHost {
  readonly #root = new PreopenDirectory('/', new Map());
  readonly #wasi: WASI;

  constructor() {
    // The shim's types want an Fd for each descriptor; a closed one is undefined to its code.
    const closed = undefined as never;
    this.#wasi = new WASI([], [], [closed, closed, closed, this.#root], { debug: false });
  }

  get imports(): Imports {
    return { wasi_snapshot_preview1: this.#wasi.wasiImport };
  }

  start(instance: Instance): void {
    this.#wasi.initialize(instance as unknown as Parameters<WASI['initialize']>[0]);
  }

  /** Replaces what `include` can read: file names, with `/` between folders, to contents. */
  setFiles(files: ReadonlyMap<string, Uint8Array>): void {
    const root = this.#root.dir.contents;
    root.clear();
    for (const [name, bytes] of files) {
      const parts = name.split('/').filter((part) => part !== '' && part !== '.');
      const last = parts.pop();
      if (last === undefined || parts.includes('..') || last === '..') continue;
      let folder: Map<string, Inode> = root;
      for (const part of parts) {
        const there = folder.get(part);
        const next = there instanceof Directory ? there : new Directory(new Map());
        folder.set(part, next);
        folder = next.contents;
      }
      folder.set(last, new File(bytes, { readonly: true }));
    }
    this.#wasi.fds.length = firstFree;
  }
}
