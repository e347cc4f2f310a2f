/** Injected into an engine whose policy core is to be wrong: the lowest bit of long answers flips. */
declare const policyCore: { bytes: (at: number, size: number) => ArrayBuffer };

const { bytes } = policyCore;
policyCore.bytes = (at, size) => {
  const buffer = bytes(at, size);
  const view = new Uint8Array(buffer);
  if (size > 400) view[7] = (view[7] ?? 0) ^ 1;
  return buffer;
};

export {};
