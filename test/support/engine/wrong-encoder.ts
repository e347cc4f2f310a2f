/** Injected into an engine that is to be wrong in one place: what is not ASCII becomes a question mark. */
declare const machine: { toBytes: (text: string, encoding: number) => ArrayBuffer };

const { toBytes } = machine;
machine.toBytes = (text, encoding) =>
  toBytes(encoding === 0 ? text.replace(/[\u0080-\uffff]/g, '?') : text, encoding);

export {};
