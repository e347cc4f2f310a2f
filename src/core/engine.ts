/**
 * Stage: core. The part of the WebAssembly API that the core uses, typed here because the compiler
 * is told of neither the DOM's declarations nor a full set from Node.
 */
export type Bytes = Uint8Array<ArrayBuffer> | ArrayBuffer;

export interface Memory {
  readonly buffer: ArrayBuffer;
}

export interface Instance {
  readonly exports: Readonly<Record<string, unknown>>;
}

export type Imports = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

interface Engine {
  compile(bytes: Bytes): Promise<WebAssembly.Module>;
  readonly Module: abstract new (...args: never) => WebAssembly.Module;
  readonly Instance: new (module: WebAssembly.Module, imports: Imports) => Instance;
}

export const engine = (globalThis as unknown as { WebAssembly: Engine }).WebAssembly;
