/**
 * For tests of the native front end: `wasbox run …` as the command line makes it, up to the plan, and
 * no further. The entry is saved, nothing is started. Bundled into the test installation by
 * two-ways.ts; writes one line to the file that the first argument names.
 */
import { appendFileSync } from 'node:fs';
import { Recorder, takeFacts } from '../../src/front/index.js';
import { launch } from '../../src/launch/launch.js';
import { loadNative } from '../../src/launch/locate.js';
import { type Host, parseRunArguments, realHost, resolveSpec } from '../../src/spec/index.js';

const planned = new Error('planned');

async function record(argv: readonly string[]): Promise<boolean> {
  const facts = takeFacts();
  const [verb, ...rest] = argv;
  if (verb !== 'run' || facts === undefined) return false;
  const options = parseRunArguments(rest);
  if (options.help === true || options.version === true || options.dryRun === true) return false;
  const { native } = loadNative();
  const host: Host = {
    ...realHost({ userById: (uid) => native.userById(uid) }),
    readStdin: () => {
      throw new Error('standard input is for the start itself');
    },
  };
  const recorder = new Recorder(facts, argv, host);
  const spec = resolveSpec(options, recorder.host);
  try {
    await launch(spec, {
      stdio: [0, 1, 2],
      terminal: options.tty ?? 'auto',
      onPlan: (start) => {
        recorder.started(spec, start);
        throw planned;
      },
    });
  } catch (error) {
    if (error !== planned) throw error;
  }
  return recorder.save({
    quiet: options.quiet === true,
    verbose: options.verbose === true,
    report: options.report !== undefined || options.json === true,
  });
}

const note = process.argv[2] ?? '';
process.argv.splice(2, 1);
let saved = false;
try {
  saved = await record(process.argv.slice(2));
} catch {
  // The start itself will tell.
}
appendFileSync(note, saved ? 'saved\n' : 'not saved\n');
