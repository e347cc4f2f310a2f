/** One run for reports.mjs: `VARIANT ARGV`, prints what it cost as JSON. */
import { closeSync, openSync } from 'node:fs';
import { realHost } from '../src/host/index.js';
import { launch } from '../src/launch/launch.js';
import { loadNative } from '../src/native/locate.js';
import { buildReport } from '../src/report/index.js';
import { resolveSpec } from '../src/resolve/index.js';

const [variant = '', text = '[]'] = process.argv.slice(2);
const [command = '', ...args] = JSON.parse(text) as string[];
const { native } = loadNative();
const host = realHost({ native });
const audit = variant === 'audit';
const unreported = variant === 'unreported';
const spec = resolveSpec({ command, args, changes: 'discard', audit }, host);
const nothing = openSync('/dev/null', 'r+');
const without = new Set(unreported ? (['watch'] as const) : []);
const begin = performance.now();
const used = process.cpuUsage();
const launched = await launch(spec, { stdio: [nothing, nothing, nothing], without });
const ended = await launched.done;
// No report is built without a reader.
const report = unreported ? '' : JSON.stringify(buildReport(spec, ended));
const wholeMs = performance.now() - begin;
const { user, system } = process.cpuUsage(used);
const { outcome, refusals } = ended;
closeSync(nothing);
if (refusals.watched === unreported) throw new Error('not the variant asked for');
console.log(
  JSON.stringify({
    exitCode: outcome.exitCode,
    payloadMs: outcome.durationNs / 1e6,
    wholeMs,
    cpuMs: (user + system + outcome.userUs + outcome.systemUs) / 1000,
    refusals: refusals.total,
    reportBytes: report.length,
    peakKiB: process.resourceUsage().maxRSS,
  }),
);
