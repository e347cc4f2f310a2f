/**
 * Whether `.ci/run` makes this pass as root: an ordinary user makes a second one, to which long tests are left whose
 * outcome does not depend on the user.
 */
export const hasSecondPass = process.env.WASBOX_TEST_AS === 'own' && process.getuid?.() === 0;

/** The same for a check of its own, and says so. */
export function leftToSecondPass(what) {
  if (hasSecondPass) console.log(`${what}: left to the pass as an ordinary user`);
  return hasSecondPass;
}
