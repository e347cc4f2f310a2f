/**
 * Finds, compiles and starts the module, in Node and in browsers alike; the engine of the native
 * command is linked with it. One module serves the whole program; a call that fails inside it gets
 * a fresh instance.
 */
import { WasboxError } from '../errors/index.js';
import { type Bytes, engine, type Memory, type WasmModule } from './engine.js';
import type { CoreExports, CoreInstance } from './exports.js';
import type { PlatformResponse, PlatformUrl } from './globals.js';
import { WB_ABI_VERSION } from './layout.generated.js';
import type { OwnBytes } from './types.js';
import { CoreHost } from './wasi.js';

/** The sources that `init` may be given instead of looking for `wasbox-core.wasm` beside the code. */
export type CoreSource = PlatformUrl | PlatformResponse | Bytes | WasmModule;

let module: WasmModule | undefined = engine?.linked;
let instance: CoreInstance | undefined;

interface NodeFiles {
  readFileSync(path: URL): OwnBytes;
}

/** `node:fs` without importing it: absent in browsers, where files are fetched. */
function nodeFiles(): NodeFiles | undefined {
  const scope = globalThis as {
    process?: { getBuiltinModule?: (name: string) => NodeFiles | undefined };
  };
  return scope.process?.getBuiltinModule?.('node:fs');
}

/** The module lies beside the bundle, or where the build puts it when the sources run as they are. */
const places = ['./wasbox-core.wasm', '../../dist/wasbox-core.wasm'];

function readFromDisk(urls: readonly URL[]): OwnBytes {
  const files = nodeFiles();
  let cause: unknown;
  for (const url of urls) {
    try {
      if (files !== undefined) return files.readFileSync(url);
    } catch (error) {
      cause = error;
    }
  }
  throw new WasboxError('ERR_POLICY_INTERNAL', 'the policy core, wasbox-core.wasm, is missing', {
    hint: 'Reinstall wasbox; from its sources, run `npm run build:core`.',
    cause,
  });
}

async function compileFrom(url: URL): Promise<WasmModule> {
  return compileResponse(await fetch(url));
}

async function compileResponse(response: Response): Promise<WasmModule> {
  if (!response.ok) {
    throw new WasboxError(
      'ERR_POLICY_INTERNAL',
      `the policy core cannot be fetched from ${response.url}: HTTP ${response.status}`,
      { hint: 'Serve wasbox-core.wasm beside the script, or pass its address to `init`.' },
    );
  }
  // compileStreaming is not used: it refuses a server that does not know the MIME type.
  return engine.compile(await response.arrayBuffer());
}

async function findModule(source: CoreSource | undefined): Promise<WasmModule> {
  if (source === undefined) {
    const urls = places.map((place) => new URL(place, import.meta.url));
    const [first] = urls;
    if (first !== undefined && first.protocol !== 'file:') return compileFrom(first);
    return engine.compile(readFromDisk(urls));
  }
  if (source instanceof engine.Module) return source;
  if (source instanceof URL) {
    return source.protocol === 'file:'
      ? engine.compile(readFromDisk([source]))
      : compileFrom(source);
  }
  if (typeof Response !== 'undefined' && source instanceof Response) return compileResponse(source);
  return engine.compile(source as Bytes);
}

function start(compiled: WasmModule): CoreInstance {
  const host = new CoreHost();
  const wasm = new engine.Instance(compiled, host.imports);
  const exports = wasm.exports as unknown as CoreExports & { readonly memory: Memory };
  host.start(wasm);
  const version = exports.wb_abi_version();
  if (version !== WB_ABI_VERSION) {
    throw new WasboxError(
      'ERR_POLICY_INTERNAL',
      `the policy core speaks version ${version} of its interface, this code ${WB_ABI_VERSION}`,
      { hint: 'wasbox-core.wasm belongs to another version of wasbox; reinstall it.' },
    );
  }
  // Views made anew each time: the memory may have grown.
  return {
    exports,
    reset: () => exports.wb_reset(),
    put(bytes) {
      const at = exports.wb_buffer(bytes.length) >>> 0;
      new Uint8Array(exports.memory.buffer).set(bytes, at);
      return at;
    },
    read: (at, size) => new Uint8Array(exports.memory.buffer).slice(at, at + size),
    setFiles: (files) => host.setFiles(files),
  };
}

/**
 * Loads the policy core; needed once before anything else of `wasbox/policy`.
 * @param source where the module comes from; by default `wasbox-core.wasm` beside this script
 */
export async function init(source?: CoreSource): Promise<void> {
  if (module !== undefined && source === undefined) return;
  const found = await findModule(source);
  instance = start(found);
  module = found;
}

/** The module's exports; throws before `init`. */
export function core(): CoreInstance {
  if (module === undefined) {
    throw new WasboxError('ERR_POLICY_INTERNAL', 'the policy core is not loaded', {
      hint: 'Call `await init()` once before.',
    });
  }
  instance ??= start(module);
  return instance;
}

/** Drops the instance after a call that broke off: its memory is in no known state. */
export function discardInstance(): void {
  instance = undefined;
}
