/** Repeatable chance for fuzzers: xorshift64. `below` gives a number less than `limit`, `state` what comes next. */
export function chance(seed) {
  let state = BigInt(seed) * 2654435769n + 88172645463325252n;
  const next = () => {
    state ^= BigInt.asUintN(64, state << 13n);
    state ^= state >> 7n;
    state ^= BigInt.asUintN(64, state << 17n);
    return Number((state >> 11n) & 0xffff_ffffn);
  };
  const below = (limit) => next() % limit;
  return { below, pick: (list) => list[below(list.length)], state: () => state };
}
