/** A process of its own that applies the latest run, to be killed. Bundled by kill.test.ts. */
import { createRequire } from 'node:module';
import { type ApplyOptions, applyRun, openRun, openStore } from '../../../src/changes/index.js';
import type { Native } from '../../../src/native/types.js';

const [, , addon = '', directory = '', options = '{}'] = process.argv;
const native = createRequire(import.meta.url)(addon) as Native;
const store = openStore(native, { directory });
const run = openRun(store);
process.stdout.write('ready\n');
applyRun(store, run, JSON.parse(options) as ApplyOptions);
run.close();
