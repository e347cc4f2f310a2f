/**
 * Tells esbuild that no file of src does anything by being imported, so an index brings in no more than is used of it.
 * Entry points are what is asked for, and stay whole.
 */
const seen = {};

/** @type {import('esbuild').Plugin} */
export const pureModules = {
  name: 'pure-modules',
  setup(build) {
    build.onResolve({ filter: /^\.\.?\// }, async ({ path, ...how }) => {
      if (how.pluginData === seen || how.kind === 'entry-point') return undefined;
      const found = await build.resolve(path, { ...how, pluginData: seen });
      return { ...found, sideEffects: false };
    });
  },
};
