/**
 * Runs a tier of the tests and closes with what could not run here, the slowest ten and `N passed, N failed`.
 *
 *     node test/run.mjs check [folders of src]    after an edit: format, lint, types, pure unit tests
 *     node test/run.mjs test                      what everybody runs: these, the C tests, launches, attacks, documentation
 *     node test/run.mjs rest                      the long tests
 *     node test/run.mjs all                       everything; also `npm test -- --all`
 *     node test/run.mjs [files and --options=VALUE of vitest run]
 *
 * WASBOX_TEST_INSTALLED=DIR tests the package that is installed in DIR in place of the build in dist.
 *
 * A file in which a test failed runs once more, alone. What fails again fails; what passes then is named at the end, as
 * something to fix. TEST_RESULTS=DIRECTORY: the counts are kept there.
 */
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { belongsTo } from './folders.mjs';
import { lackedBy, reasonsOf } from './programs.mjs';
import { hintOf, isOptional, pass } from './support/packages.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const scratch = fs.mkdtempSync(join(tmpdir(), 'wasbox-results-'));
const isCI = process.env.CI === 'true';

/** More files than these do not fail by chance. */
const FILES_MAX = 6;

/** Seconds of each random test. CI's pass as root leaves the longer ones to the pass as an ordinary user. */
const inPass = { root: '1', user: '2' };
const randomSeconds = { check: '0.2', test: '1', rest: '5', all: inPass[pass] ?? '5' };

const given = process.argv.slice(2);
const beside = given.filter((word) => !['--all', 'all', 'test'].includes(word));
if (given.includes('--all') && beside.length > 0) {
  console.error(`--all runs everything: leave it out to run ${beside.join(' ')} alone`);
  process.exit(2);
}
const [first, ...more] = given.includes('--all') ? ['all'] : given;
const isTier = Object.hasOwn(randomSeconds, first ?? 'test');
const tier = isTier ? (first ?? 'test') : 'all';
const words = isTier ? more : process.argv.slice(2);
const options = words.filter((word) => word.startsWith('-'));
const paths = words.filter((word) => !word.startsWith('-'));
/** The files alone were asked for. */
const isNarrow = !isTier || options.length > 0;

const env = {
  ...process.env,
  WASBOX_TEST_SECONDS: process.env.WASBOX_TEST_SECONDS ?? randomSeconds[tier],
  // The user who starts `npm test` gets answers for that user. All tests start everything as both.
  WASBOX_TEST_AS: process.env.WASBOX_TEST_AS ?? (tier === 'all' && !pass ? 'everyone' : 'own'),
  WASBOX_TEST_TIER: isNarrow || paths.length > 0 ? 'all' : tier,
};

const results = []; // files of vitest's JSON
const failures = [];
let passed = 0;

/** Runs a command; its output is shown at its end, or at once where nothing runs beside it. */
function run(argv, { more = {}, quiet = false } = {}) {
  return new Promise((resolve) => {
    const child = spawn(argv[0], argv.slice(1), {
      cwd: root,
      env: { ...env, ...more },
      stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'],
    });
    const pieces = [];
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (piece) => pieces.push(piece));
    child.on('error', (error) => pieces.push(Buffer.from(`${error}\n`)));
    child.on('close', (status) => resolve({ status: status ?? 1, text: Buffer.concat(pieces) }));
  });
}

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
const timings = [];

const chancy = [];

/** Runs a part that is no vitest. Returns whether it passed. */
async function runPart([name, ...argv]) {
  const begun = performance.now();
  const { status, text } = await run(argv, { quiet: true });
  const ms = performance.now() - begun;
  timings.push([name, ms]);
  console.log(`${status === 0 ? 'passed' : 'FAILED'}  ${name}  ${seconds(ms)}`);
  if (status !== 0) process.stdout.write(text);
  return status === 0;
}

/** Runs parts, as many at a time as `most` says. Returns those that failed. */
async function besideEachOther(parts, most) {
  const waiting = [...parts];
  const failed = [];
  const worker = async () => {
    for (let part = waiting.shift(); part; part = waiting.shift())
      if (await runPart(part)) passed++;
      else failed.push(part);
  };
  await Promise.all(Array.from({ length: most }, worker));
  return failed;
}

/**
 * Runs parts and the tests; what failed of the parts once more, alone. Each part counts as one test. Where everything runs
 * the tests begin at once, for most parts use one processor, and the tests wait half of their time.
 */
async function runParts(parts, tests) {
  const isAll = tier === 'all';
  const begun = besideEachOther(parts, isAll ? 1 : availableParallelism());
  if (!isAll) await begun;
  await tests();
  for (const part of await begun) {
    if (await runPart(part)) {
      passed++;
      chancy.push(part[0]);
    } else failures.push(part[0]);
  }
}

/** Files of the tier whose programs are missing. */
let filesLeftOut = [];

let runs = 0;

/** The results of one run of vitest, and its exit status. Where another runs beside it, its output comes at its end. */
async function vitest(args, more, quiet) {
  const output = join(scratch, `${runs++}.json`);
  const argv = [
    process.execPath,
    ...[join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--passWithNoTests'],
    ...['--config', join(root, 'test/vitest.config.ts')],
    ...['--reporter=default', '--reporter=json', `--outputFile.json=${output}`],
    ...args,
  ];
  const { status, text } = await run(argv, { more, quiet });
  process.stdout.write(text);
  const json = fs.existsSync(output) ? JSON.parse(fs.readFileSync(output, 'utf8')) : undefined;
  return { status, files: json?.testResults ?? [] };
}

const failedTests = (file) => file.assertionResults.filter((test) => test.status === 'failed');
const nameOf = (file, test) => `${relative(root, file.name)} > ${test.fullName}`;

/** Runs vitest, and the files once more in which tests failed. */
async function runVitest(label, args, more = {}, quiet = false) {
  const begun = performance.now();
  let { status, files } = await vitest(args, more, quiet);
  const failed = files.filter((file) => file.status === 'failed');
  // A run that ended badly with no failed file (an error outside a test) is not run again.
  if (status !== 0 && failed.length > 0 && failed.length <= FILES_MAX) {
    const names = failed.map((file) => relative(root, file.name));
    console.log(`\nOnce more, alone: ${names.join(', ')}\n`);
    const projects = args.filter((arg) => arg.startsWith('-'));
    const again = await vitest([...names, ...projects, '--no-file-parallelism'], more, quiet);
    status = again.status;
    const latest = new Map(again.files.map((file) => [file.name, file]));
    const stillFailed = new Set(
      again.files.flatMap((file) => failedTests(file).map((test) => nameOf(file, test))),
    );
    for (const file of failed)
      for (const test of failedTests(file))
        if (!stillFailed.has(nameOf(file, test))) chancy.push(nameOf(file, test));
    files = files.map((file) => latest.get(file.name) ?? file);
  }
  timings.push([label, performance.now() - begun]);
  results.push(...files);
  const bad = files.flatMap((file) => {
    const tests = failedTests(file).map((test) => nameOf(file, test));
    return tests.length > 0 || file.status !== 'failed' ? tests : [relative(root, file.name)];
  });
  failures.push(...bad);
  if (status !== 0 && bad.length === 0) failures.push(`${label} ended with ${status}`);
}

/** Tells why tests were left out, with their number. On CI that is a failure, unless no package would change it. */
function tellLeftOut() {
  const counts = new Map();
  for (const file of results)
    for (const { status, meta, fullName } of file.assertionResults) {
      if (status === 'passed' || status === 'failed') continue;
      const reasons = meta?.missing ?? reasonsOf(file.name, fullName);
      if (reasons.length === 0)
        console.log(`left out for no reason: ${relative(root, file.name)} > ${fullName}`);
      for (const reason of reasons.length > 0 ? reasons : ['no reason'])
        counts.set(reason, (counts.get(reason) ?? 0) + 1);
    }
  for (const path of filesLeftOut) {
    const { reasons, count } = lackedBy(path);
    for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + count);
  }
  const needs = join(scratch, 'needs');
  for (const line of fs.existsSync(needs) ? fs.readFileSync(needs, 'utf8').split('\n') : [])
    if (line !== '') counts.set(line, (counts.get(line) ?? 0) + 1);
  if (counts.size === 0) return;
  console.log('\nNot run here:');
  for (const [reason, count] of [...counts].sort(([, a], [, b]) => b - a)) {
    console.log(`  ${String(count).padStart(5)}  ${reason}  (${hintOf(reason)})`);
    if (isCI && !isOptional(reason)) failures.push(`${count} tests not run: ${reason}`);
  }
}

/** Prints the ten that took longest, with a title. */
function tellLongest(title, entries) {
  console.log(`\n${title}:`);
  for (const [name, ms] of [...entries].sort(([, a], [, b]) => b - a).slice(0, 10))
    console.log(`  ${seconds(ms).padStart(8)}  ${name}`);
}

function tellSlowest() {
  const tests = results.flatMap((file) =>
    file.assertionResults.map((test) => [nameOf(file, test), test.duration ?? 0]),
  );
  tellLongest('Slowest', [...tests, ...timings]);
  if (results.length < 2) return;
  const files = results.map((file) => [relative(root, file.name), file.endTime - file.startTime]);
  tellLongest('Slowest files', files);
  const folders = new Map();
  for (const [name, ms] of files)
    folders.set(dirname(name), (folders.get(dirname(name)) ?? 0) + ms);
  tellLongest('Sum of the files of a folder', folders);
}

const npm = (script) => ['npm', 'run', '--silent', script];
const node = (file, ...args) => [process.execPath, file, ...args];

/** Parts that are no vitest, with the tiers and, on CI, the pass that have them; 'none' is the workflow's job `compilers`. */
const others = [
  ['lint', ['check', 'test', 'all'], 'root', npm('lint')],
  ['types', ['check', 'test', 'all'], 'root', npm('typecheck')],
  ['C of the policy core', ['test', 'all'], 'root', node('wasm-core/test.mjs')],
  ['C of the native part', ['test', 'all'], 'root', node('addon/test.mjs')],
  ['native part, as it is built', ['all'], 'root', node('addon/cross.mjs', '--built')],
  ['native part, other compilers', ['rest', 'all'], 'none', node('addon/cross.mjs')],
];
const partsOf = (tier) =>
  others
    .filter(([, tiers, which]) => tiers.includes(tier) && (!pass || !which || which === pass))
    .map(([name, , , argv]) => [name, ...argv]);

/** Launch tests that are made again in another way of starting. */
const again = ['streams', 'signals', 'inside', 'ending'].map(
  (name) => `test/integration/${name}.test.ts`,
);

env.WASBOX_TEST_NEEDS = join(scratch, 'needs');
process.env.WASBOX_TEST_TIER = env.WASBOX_TEST_TIER;
const { leftOutFiles } = await import('./tiers.mjs');
filesLeftOut = leftOutFiles.filter(
  (path) => paths.length === 0 || paths.some((given) => path.startsWith(given)),
);
if (isNarrow || (paths.length > 0 && tier !== 'check')) {
  await runVitest('vitest', words);
} else if (tier === 'check') {
  const { tests, parts } = belongsTo(paths);
  await runParts([...partsOf('check'), ...parts], async () => {
    if (tests.length > 0 || paths.length === 0) await runVitest('unit tests', tests);
  });
} else {
  await runParts(partsOf(tier), () => runVitest('tests', []));
  if (tier === 'all' && pass !== 'root') {
    await Promise.all([
      runVitest('through the native command', again, { WASBOX_TEST_FASTPATH: '1' }, true),
      runVitest('through Node', again, { WASBOX_TEST_NODE: '1' }, true),
    ]);
  }
}

const statuses = results.flatMap((file) => file.assertionResults.map(({ status }) => status));
passed += statuses.filter((status) => status === 'passed').length;
tellSlowest();
tellLeftOut();
for (const name of chancy) console.log(`failed beside others, passed alone: ${name}`);
for (const name of failures) console.log(`failed: ${name}`);
console.log(`\n${passed} passed, ${failures.length} failed`);
const kept = process.env.TEST_RESULTS;
if (kept !== undefined) {
  const counts = { passed, failed: failures.length };
  const summary = { tier, ...counts, failures, again: chancy, timings, results };
  fs.writeFileSync(join(kept, `${tier}.json`), JSON.stringify(summary));
}
fs.rmSync(scratch, { recursive: true });
process.exitCode = failures.length === 0 && passed > 0 ? 0 : 1;
