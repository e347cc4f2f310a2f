/** `40 ms`, `2.5 s`. */
export const durationText = (milliseconds: number): string =>
  milliseconds < 1000
    ? `${Number(milliseconds.toPrecision(2))} ms`
    : `${Number((milliseconds / 1000).toPrecision(3))} s`;
