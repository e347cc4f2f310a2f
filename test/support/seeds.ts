/**
 * Seeds of a random test, by a budget of time. They begin at a fixed number, so that CI does not fail by chance. Each
 * night's run begins elsewhere.
 *
 * WASBOX_TEST_SECONDS is the budget of each such test, WASBOX_SEED the first seed.
 */
/** Seconds of each random test. test/run.mjs sets fewer for the faster tiers. */
const seconds = Number(process.env.WASBOX_TEST_SECONDS ?? '5');

/** The first seed. */
export const firstSeed = Number(process.env.WASBOX_SEED ?? '1');

/** How many random cases a test makes whose cases take the same time: `perSecond` of its budget, `most` in CI. */
export const randomRuns = (perSecond: number, most: number): number =>
  Math.ceil(seconds > 60 ? perSecond * seconds : Math.min(most, perSecond * seconds));

/**
 * Yields seeds until the time is used up, `least` of them on any machine and, with the usual budgets, at most `most`.
 * @param name what is printed with the seeds that were used
 */
export function* seedsFor(name: string, least: number, most: number): Generator<number> {
  const end = performance.now() + seconds * 1000;
  let made = 0;
  try {
    while (made < least || (performance.now() < end && (made < most || seconds > 60)))
      yield firstSeed + made++;
  } finally {
    console.log(`${name}: seeds ${firstSeed} to ${firstSeed + made - 1}`);
  }
}
