/**
 * The part of the WebAssembly API that the core uses, typed here because neither the DOM's
 * declarations nor those of Node need be there.
 */
import type { Global } from './globals.js';
import type { OwnBytes } from './types.js';

export type WasmModule =
  Global<'WebAssembly'> extends { Module: { prototype: infer Type } } ? Type : never;

export type Bytes = OwnBytes | ArrayBuffer;

export interface Memory {
  readonly buffer: ArrayBuffer;
}

export interface Instance {
  readonly exports: Readonly<Record<string, unknown>>;
}

export type Imports = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

interface Engine {
  /** The module that the engine of the native command is linked with (addon/engine/core.c). */
  readonly linked?: WasmModule;
  compile(bytes: Bytes): Promise<WasmModule>;
  readonly Module: abstract new (...args: never) => WasmModule;
  readonly Instance: new (module: WasmModule, imports: Imports) => Instance;
}

export const engine = (globalThis as unknown as { WebAssembly: Engine }).WebAssembly;
