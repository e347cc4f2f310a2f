/**
 * A random whole number from 0 up to, not including, `below`, which is at most 2^32.
 * @param draw 32 random bits, as a whole number
 */
export function fairBelow(below: number, draw: () => number): number {
  // Numbers past the last multiple are drawn again: else the first ones would come more often.
  const fair = 2 ** 32 - (2 ** 32 % below);
  for (;;) {
    const number = draw();
    if (number < fair) return number % below;
  }
}
