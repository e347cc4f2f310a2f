/**
 * Runs the tests, and those files once more in which some failed, alone: a test that starts
 * sandboxes, terminals and browsers beside others on a small machine may miss a limit of time. What
 * fails alone, too, fails. Tests that do not are named at the end, as something to fix.
 *
 *     node test/run.mjs [files and --options=VALUE of vitest run]
 *
 * TEST_RESULTS=DIRECTORY: the results are kept there, as vitest.json.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** More files than these do not fail by chance. */
const FILES_MAX = 6;

const root = fileURLToPath(new URL('..', import.meta.url));
const scratch = fs.mkdtempSync(join(tmpdir(), 'wasbox-results-'));

/** The results of one run of vitest, and its exit status. */
function vitest(name, args) {
  const output = join(scratch, name);
  const { status } = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--config',
      join(root, 'test/vitest.config.ts'),
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${output}`,
      ...args,
    ],
    { cwd: root, stdio: 'inherit' },
  );
  const results = fs.existsSync(output) ? JSON.parse(fs.readFileSync(output, 'utf8')) : undefined;
  return { results, status: status ?? 1 };
}

const failedTests = (file) => file.assertionResults.filter((test) => test.status === 'failed');

/** The first results with those of the files that ran again in place of theirs. */
function merged(first, again) {
  const latest = new Map(again.testResults.map((file) => [file.name, file]));
  const testResults = first.testResults.map((file) => latest.get(file.name) ?? file);
  const count = (status) =>
    testResults.flatMap((file) => file.assertionResults).filter((test) => test.status === status)
      .length;
  return {
    ...first,
    success: testResults.every((file) => file.status === 'passed'),
    numPassedTests: count('passed'),
    numFailedTests: count('failed'),
    testResults,
  };
}

/** What is said at the end: the tests that failed once and then passed. */
function tellChancy(first, last) {
  const stillFailed = new Set(
    last.testResults.flatMap((file) =>
      failedTests(file).map((test) => `${file.name} ${test.fullName}`),
    ),
  );
  for (const file of first.testResults)
    for (const test of failedTests(file))
      if (!stillFailed.has(`${file.name} ${test.fullName}`))
        console.log(
          `failed beside others, passed alone: ${relative(root, file.name)} > ${test.fullName}`,
        );
}

const args = process.argv.slice(2);
let { results, status } = vitest('first.json', args);
const failed = (results?.testResults ?? []).filter((file) => file.status === 'failed');
// A run that ended badly with no failed file (an error outside a test) is not run again.
if (status !== 0 && failed.length > 0 && failed.length <= FILES_MAX) {
  const names = failed.map((file) => relative(root, file.name));
  console.log(`\nOnce more, alone: ${names.join(', ')}\n`);
  const options = args.filter((arg) => arg.startsWith('-'));
  const again = vitest('again.json', [...names, ...options, '--no-file-parallelism']);
  status = again.status;
  if (again.results !== undefined) {
    const first = results;
    results = merged(first, again.results);
    if (!results.success) status ||= 1;
    tellChancy(first, results);
  }
}
const kept = process.env.TEST_RESULTS;
if (kept !== undefined && results !== undefined)
  fs.writeFileSync(join(kept, 'vitest.json'), JSON.stringify(results));
fs.rmSync(scratch, { recursive: true });
process.exitCode = status;
