// A step of CI that runs a command of a pull request: node ci-step.mjs [--take PATH]... [--strict] -- COMMAND...
// Takes over what it made below the paths of --take, if it succeeded, and nothing else of it. Writes report.html.
// With --strict, the step fails if the sandbox refused the command anything, whatever its exit status.
// SIGTERM, as of a job that is cancelled, ends it.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { isWasboxError, renderReport, run } from 'wasbox';

const end = process.argv.indexOf('--');
const [command, ...args] = end < 0 ? [] : process.argv.slice(end + 1);
const { values } = parseArgs({
  args: process.argv.slice(2, end < 0 ? undefined : end),
  options: { take: { type: 'string', multiple: true, default: ['dist'] }, strict: { type: 'boolean', default: false } },
});
if (command === undefined) {
  console.error('usage: node ci-step.mjs [--take PATH]... [--strict] -- COMMAND...');
  process.exit(2);
}

const controller = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => controller.abort());

async function step() {
  const { exitCode, outcome, changes, kept, report } = await run(command, args, {
    workdir: '.',
    changes: { success: 'keep', failure: 'discard' },
    timeoutMs: 10 * 60_000,
    env: { CI: 'true' },
    signal: controller.signal,
    onStdout: (chunk) => void process.stdout.write(chunk),
    onStderr: (chunk) => void process.stderr.write(chunk),
  });
  await writeFile('report.html', await renderReport(report, 'html'));
  if (outcome !== 'exited' || exitCode !== 0) {
    console.error(`the command did not succeed: ${outcome} ${exitCode ?? ''}\n${await renderReport(report)}`);
    return exitCode || 1;
  }
  // Where refusals could not be recorded (`watched` is 'none'), there may have been some.
  const { watched, total } = report.refusals;
  if (values.strict && (total > 0 || watched !== 'all')) {
    console.error(`refused: ${watched === 'all' ? total : 'unknown'}\n${await renderReport(report)}`);
    await kept?.discard();
    return 1;
  }
  // A command that changed nothing has neither changes nor a saved run.
  const inTaken = (path) => values.take.some((taken) => path === taken || path.startsWith(`${taken}/`));
  const made = (changes?.changes ?? []).map(({ path }) => path);
  const paths = values.take.filter((taken) => made.some((path) => path === taken || path.startsWith(`${taken}/`)));
  if (kept === undefined || paths.length === 0) {
    console.error(`the command made nothing below ${values.take.join(', ')}`);
    await kept?.discard();
    return 1;
  }
  const { applied, refused } = await kept.apply({ paths });
  for (const path of made.filter((path) => !inTaken(path))) console.error(`left behind: ${path}`);
  for (const { path, reason } of refused) console.error(`not taken: ${path}: ${reason}`);
  await kept.discard();
  console.error(`taken: ${applied.length}`);
  return refused.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await step();
} catch (error) {
  if (!isWasboxError(error)) throw error;
  console.error(`${error.code}: ${error.message}${error.hint ? `\n${error.hint}` : ''}`);
  process.exitCode = error.name === 'AbortError' ? 143 : 125;
}
