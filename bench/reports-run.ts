/** One run for reports.mjs: `VARIANT ARGV`, prints the milliseconds until the payload's end. */
import { closeSync, openSync } from 'node:fs';
import { launch } from '../src/launch/launch.js';
import { loadNative } from '../src/launch/locate.js';
import { realHost, resolveSpec } from '../src/spec/index.js';

const [variant = '', text = '[]'] = process.argv.slice(2);
const [command = '', ...args] = JSON.parse(text) as string[];
const { native } = loadNative();
const host = realHost({ userById: (uid) => native.userById(uid) });
const audit = variant === 'audit';
const spec = resolveSpec({ command, args, changes: 'discard', audit }, host);
const nothing = openSync('/dev/null', 'r+');
const without = new Set(variant === 'unreported' ? (['watch'] as const) : []);
const launched = await launch(spec, { stdio: [nothing, nothing, nothing], without });
const { outcome, refusals } = await launched.done;
closeSync(nothing);
if (outcome.exitCode !== 0) throw new Error(`ended with ${outcome.exitCode}`);
if (refusals.watched !== (variant !== 'unreported')) throw new Error('not the variant asked for');
console.log(outcome.durationNs / 1e6);
