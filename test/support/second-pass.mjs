/**
 * Whether this is the pass of `.ci/run` as root. A second one, as an ordinary user, runs the long tests whose outcome does
 * not depend on the user.
 */
export const hasSecondPass = process.env.WASBOX_TEST_AS === 'own' && process.getuid?.() === 0;

/** The same for a check of its own, and says so. */
export function leftToSecondPass(what) {
  if (hasSecondPass) console.log(`${what}: skipped as root: the pass as an ordinary user runs it`);
  return hasSecondPass;
}
