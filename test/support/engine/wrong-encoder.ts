/** Injected into an engine that is to be wrong in two places: what is not ASCII becomes a question mark, and errors shout. */
declare const machine: { toBytes: (text: string, encoding: number) => ArrayBuffer };

const { toBytes } = machine;
machine.toBytes = (text, encoding) =>
  toBytes(encoding === 0 ? text.replace(/[\u0080-\uffff]/g, '?') : text, encoding);

const { Error: Real } = globalThis;
globalThis.Error = class extends Real {
  constructor(message?: string, options?: ErrorOptions) {
    super(`${message}!`, options);
  }
} as ErrorConstructor;

export {};
