/** Injected into an engine that is to be wrong in one place: what is not ASCII becomes a question mark. */
declare const machine: { encode: (text: string) => ArrayBuffer };

const { encode } = machine;
machine.encode = (text) => encode(text.replace(/[\u0080-\uffff]/g, '?'));

export {};
