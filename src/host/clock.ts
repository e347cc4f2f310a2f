/** Milliseconds of a clock that is never set; performance.now() would load a module of Node's. */
export const monotonicMs = (): number => Number(process.hrtime.bigint() / 1_000_000n);
