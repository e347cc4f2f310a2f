/**
 * Does, for tests of the native command, what `wasbox run …` does, up to the plan, and no further. The entry is saved,
 * nothing is started. Bundled into the test installation by two-ways.ts; writes one line to the file that the first
 * argument names.
 */
import { appendFileSync } from 'node:fs';
import { makeStateDirectory, openStore } from '../../src/changes/index.js';
import { argumentCount, Recorder, takeCacheKey } from '../../src/fastpath/index.js';
import { type Host, realHost } from '../../src/host/index.js';
import { launch } from '../../src/launch/launch.js';
import { loadNative } from '../../src/native/locate.js';
import { parseRunArguments } from '../../src/options/index.js';
import { resolveSpec } from '../../src/resolve/index.js';

const planned = new Error('planned');

/** Records a start; says why it could not be. */
async function record(argv: readonly string[]): Promise<string | undefined> {
  const facts = takeCacheKey();
  const [verb, ...rest] = argv;
  if (verb !== 'run') return 'another verb';
  if (facts === undefined) return 'the native command gave no facts';
  const options = parseRunArguments(rest);
  if (options.help === true || options.version === true || options.dryRun === true) {
    return 'nothing to start';
  }
  const line = { argv, argumentCount: argumentCount(options) };
  const { native } = loadNative();
  const host: Host = {
    ...realHost({ native }),
    readStdin: () => {
      throw new Error('standard input is for the start itself');
    },
  };
  let recorder = new Recorder(facts, line, host);
  let spec = resolveSpec(options, recorder.host, { terminal: 'auto' });
  // `wasbox run` does the same, so that the start itself finds what was recorded.
  if (recorder.repeats(spec) && host.files.lstat(spec.state.directory) === undefined) {
    makeStateDirectory(openStore(native));
    recorder = new Recorder(facts, line, host);
    spec = resolveSpec(options, recorder.host, { terminal: 'auto' });
  }
  try {
    await launch(spec, {
      stdio: [0, 1, 2],
      onPlan: (start) => {
        recorder.started(spec, start);
        throw planned;
      },
    });
  } catch (error) {
    if (error !== planned) throw error;
  }
  // `wasbox run` saves under these conditions.
  const { report: file, html, json, audit, ask } = options;
  const report = [file, html].some((one) => one !== undefined) || [json, audit, ask].includes(true);
  const verbose = options.verbose === true;
  if (recorder.save({ quiet: options.quiet === true, verbose, report })) return undefined;
  if (report || verbose) return 'more to tell than a summary';
  return recorder.obstacle ?? 'no single layer, a note, or no place for the entry';
}

const note = process.argv[2] ?? '';
process.argv.splice(2, 1);
const reason = await record(process.argv.slice(2)).catch((error: unknown) => {
  // The start itself will tell.
  return `it fails: ${(error as { code?: string }).code ?? 'no code'}`;
});
appendFileSync(note, reason === undefined ? 'saved\n' : `not saved: ${reason}\n`);
