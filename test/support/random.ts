/** Numbers that a seed repeats: mulberry32, https://github.com/bryc/code/blob/master/jshash/PRNGs.md */
export function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One of them. */
export function oneOf<T>(next: () => number, all: readonly T[]): T {
  return all[Math.floor(next() * all.length)] as T;
}

/** Returns the same seed on CI each time; other ones by hand. */
export const firstSeed = (): number =>
  Number(process.env.WASBOX_SEED ?? (process.env.CI ? 1 : Date.now() % 100_000));

/** Returns whether a text is one that no fault of the state directory may lead to. */
export const isInternal = (text: string): boolean =>
  /internal error|bug in wasbox|TypeError|RangeError|SyntaxError|at .*\.[cm]?js:\d+|\bE[A-Z]{3,}:/.test(
    text,
  );
