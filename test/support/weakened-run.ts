/**
 * `wasbox run` with protections left out: the control that shows a test can fail. Bundled by
 * weaken.ts and run as a process of its own, so that it can run as another user.
 *
 *   node weakened-run.mjs seccomp,landlock [options of wasbox run] SCRIPT …
 */
import { constants } from 'node:os';
import type { NamespaceName } from '../../src/backend/index.js';
import { realHost } from '../../src/host/index.js';
import { launch } from '../../src/launch/launch.js';
import { loadNative } from '../../src/native/locate.js';
import { parseRunArguments } from '../../src/options/index.js';
import type { LayerName } from '../../src/plan/index.js';
import { resolveSpec, type View } from '../../src/resolve/index.js';

const [without = '', ...argv] = process.argv.slice(2);
const { native } = loadNative();
const spec = resolveSpec(parseRunArguments(argv), realHost({ native }));
const layers = new Set(without.split(',') as (LayerName | NamespaceName | 'watch')[]);
/** Without a pid namespace of its own, a sandbox cannot have a /proc of its own: it sees the host's. */
const hostProc: View = {
  type: 'host',
  source: '/proc',
  target: '/proc',
  access: 'read',
  persistence: 'host',
  directory: true,
  origin: 'system',
};
const views = spec.views.map((view) =>
  view.type === 'proc' && layers.has('pid') ? hostProc : view,
);
const launched = await launch({ ...spec, views }, { stdio: [0, 1, 2], without: layers });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => launched.signal(constants.signals[signal]));
}
const { outcome } = await launched.done;
process.exitCode = outcome.signal === 0 ? outcome.exitCode : 128 + outcome.signal;
