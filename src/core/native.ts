/**
 * The policy core in the engine of the native command: the same C, compiled natively
 * (addon/engine/core.c). The engine's build puts this file in the place of load.ts.
 */
import { WasboxError } from '../errors/index.js';
import type { CoreInstance } from './exports.js';

/** The functions of addon/engine/core.c. Each throws where the core broke off. */
interface NativeCore {
  /** Frees everything that earlier calls gave out. */
  reset(): void;
  /** The address of a copy of a part of a buffer. */
  put(buffer: ArrayBufferLike, from: number, size: number): number;
  /** A copy of a part of its memory. */
  bytes(at: number, size: number): ArrayBuffer;
  call(
    name: number,
    a: number,
    b: number,
    c: number,
    d: number,
    files: number,
    fileCount: number,
  ): number;
  /** Ends its process; the next call starts another. */
  end(): void;
}

declare const policyCore: NativeCore;

/** The names are in the order of `enum function` in addon/engine/core.c. */
const names = [
  'wb_compile',
  'wb_explain',
  'wb_compare',
  'wb_simulate',
  'wb_decode',
  'wb_import',
  'wb_export',
  'wb_abi_version',
  'wb_arch_entry',
  'wb_name_of_call',
  'wb_number_of_call',
  'wb_number_limit',
  'wb_tables',
  'wb_argument_of_call',
  'wb_name_of_set',
  'wb_name_of_constant',
  'wb_value_of_constant',
  'wb_name_of_group',
  'wb_name_of_member',
] as const;

/** The core reads files for these. */
const including: ReadonlySet<string> = new Set([
  'wb_compile',
  'wb_explain',
  'wb_compare',
  'wb_export',
]);

/** Names and contents of files, as paths without `.` and empty parts. */
let files: ReadonlyMap<string, Uint8Array> = new Map();

const put = (bytes: Uint8Array): number =>
  policyCore.put(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function putFiles(): number {
  const words = [...files].flatMap(([name, text]) => {
    const path = new TextEncoder().encode(name);
    return [put(path), path.length, put(text), text.length];
  });
  return put(new Uint8Array(Uint32Array.from(words).buffer));
}

function caller(name: (typeof names)[number], at: number) {
  return (a = 0, b = 0, c = 0, d = 0): number => {
    const list = including.has(name) && files.size > 0 ? putFiles() : 0;
    return policyCore.call(at, a, b, c, d, list, list === 0 ? 0 : files.size) | 0;
  };
}

const exports = Object.fromEntries(
  names.map((name, at) => [name, caller(name, at)]),
) as CoreInstance['exports'];

/** Files are as in {@link ./wasi.ts}: a file takes the place of a folder of its name, and the other way round. */
function setFiles(given: ReadonlyMap<string, Uint8Array>): void {
  const found = new Map<string, Uint8Array>();
  for (const [name, bytes] of given) {
    const parts = name.split('/').filter((part) => part !== '' && part !== '.');
    if (parts.length === 0 || parts.includes('..')) continue;
    const path = parts.join('/');
    for (const other of [...found.keys()]) {
      if (other.startsWith(`${path}/`) || path.startsWith(`${other}/`)) found.delete(other);
    }
    found.set(path, bytes);
  }
  files = found;
}

const instance: CoreInstance = {
  exports,
  reset: () => policyCore.reset(),
  put,
  read: (at, size) => new Uint8Array(policyCore.bytes(at, size)),
  setFiles,
};

/** The native core comes with the engine: there is nothing to load. */
export async function init(source?: unknown): Promise<void> {
  if (source === undefined) return;
  throw new WasboxError('ERR_POLICY_INTERNAL', 'the policy core here is not a module');
}

export const core = (): CoreInstance => instance;

/** Drops the instance after a call that broke off. */
export function discardInstance(): void {
  policyCore.end();
}
