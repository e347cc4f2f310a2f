// Bundles scripts and styles of the site, and says whose code is in them.
import { build } from 'esbuild';
import { siteParties } from '../../src/notices/parties.mjs';
import { thirdPartyNotices } from '../../src/notices/write.mjs';

const metafiles = [];

/** @param {import('esbuild').BuildOptions} options */
export async function bundleForSite(options) {
  const common = { bundle: true, minify: true, logLevel: 'warning', metafile: true };
  const { metafile } = await build({ ...common, ...options });
  metafiles.push(metafile);
}

/** The terms of what was bundled so far, and of the policy core. */
export const siteNotices = (root) => thirdPartyNotices(siteParties(root, metafiles));
