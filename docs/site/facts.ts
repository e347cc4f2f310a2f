/** What the references are made from, out of the sources themselves. Bundled by facts.mjs. */
import { init, tablesVersion } from '../../src/policy/index.js';
import { wasboxVersion } from '../../src/version.js';

export async function facts(core: Uint8Array<ArrayBuffer>) {
  await init(core);
  return { version: wasboxVersion, tables: tablesVersion() };
}
