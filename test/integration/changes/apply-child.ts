/** A process of its own that applies the latest run, to be killed. Bundled by kill.test.ts. */
import { createRequire } from 'node:module';
import { type ApplyOptions, applyRun, openRun, openStore } from '../../../src/changes/index.js';
import type { Native } from '../../../src/native/types.js';

const [, , addon = '', directory = '', options = '{}', killedAt = '0'] = process.argv;
const native = createRequire(import.meta.url)(addon) as Native;
let calls = 0;
/** Ends this process before the call of that number. */
const counted: Native = {
  ...native,
  renameat2(...args: Parameters<Native['renameat2']>) {
    if (++calls === Number(killedAt)) process.kill(process.pid, 'SIGKILL');
    native.renameat2(...args);
  },
};
const store = openStore(counted, { directory });
const run = openRun(store);
process.stdout.write('ready\n');
applyRun(store, run, JSON.parse(options) as ApplyOptions);
run.close();
