/** Injected into an engine whose policy core is to be wrong: a bit of each compiled program flips. */
import { resultWords } from '../../../src/core/layout.generated.js';

interface Instance {
  readonly exports: { readonly memory: { readonly buffer: ArrayBuffer } } & {
    wb_compile: (request: number) => number;
  };
}
declare const WebAssembly: { Instance: new (...given: unknown[]) => Instance };

const Whole = WebAssembly.Instance;
WebAssembly.Instance = ((...given: unknown[]): Instance => {
  const instance = new Whole(...given);
  const { wb_compile, memory } = instance.exports;
  instance.exports.wb_compile = (request) => {
    const result = wb_compile(request);
    const view = new DataView(memory.buffer);
    const last = view.getUint32(result + resultWords.program * 4, true) + 7;
    view.setUint8(last, view.getUint8(last) ^ 1);
    return result;
  };
  return instance;
}) as unknown as typeof Whole;
