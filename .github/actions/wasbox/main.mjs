// The GitHub Action: runs a step in wasbox, with the job's summary from the run's report. The runner starts it with its
// own Node, which it also brings into the containers of `container:` jobs.
import { spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import {
  accessSync,
  appendFileSync,
  constants,
  existsSync,
  mkdtempSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { summaryOf } from './summary.mjs';

const { env } = process;
const input = (name) => (env[`INPUT_${name.toUpperCase()}`] ?? '').trim();
const work = mkdtempSync(join(env.RUNNER_TEMP || tmpdir(), 'wasbox-'));

/** Ends the step with a line that the runner marks. */
function fail(message) {
  const text = message.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  console.log(`::error title=wasbox::${text}`);
  process.exit(125);
}

function inPath(name) {
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not there.
    }
  }
  return undefined;
}

async function download(url) {
  const hint = 'Name a release in uses:, or install wasbox in an earlier step.';
  const response = await fetch(url).catch(({ cause, message }) =>
    fail(`${url}: ${cause?.message ?? message}. ${hint}`),
  );
  if (!response.ok) fail(`${url}: ${response.status}. ${hint}`);
  return Buffer.from(await response.arrayBuffer());
}

/** The command of the release that `uses:` names. Its bytes are those that the release's SHA256SUMS lists. */
async function released() {
  const { GITHUB_ACTION_REPOSITORY: repository, GITHUB_ACTION_REF: ref } = env;
  if (!repository || !ref)
    fail('wasbox is not installed. Install it in an earlier step, or give its path: wasbox:');
  const server = env.GITHUB_SERVER_URL ?? 'https://github.com';
  const base = `${server}/${repository}/releases/download/${ref}`;
  const name = `wasbox-${ref.replace(/^v/, '')}-linux-${process.arch}.tar.gz`;
  const sums = String(await download(`${base}/SHA256SUMS`));
  const archive = await download(`${base}/${name}`);
  const sum = createHash('sha256').update(archive).digest('hex');
  if (!sums.split('\n').includes(`${sum}  ${name}`)) fail(`${name} is not what SHA256SUMS says`);
  const file = join(work, name);
  writeFileSync(file, archive);
  const { status, stderr } = spawnSync('tar', ['-C', work, '--strip-components=1', '-xzf', file], {
    encoding: 'utf8',
  });
  if (status !== 0) fail(`${name} cannot be unpacked: ${stderr}`);
  return join(work, 'bin/wasbox');
}

/** As a step before it installed it, or as this checkout has built it; else as it was released. */
async function command() {
  const built = fileURLToPath(
    new URL(`../../../dist/native/linux-${process.arch}/wasbox`, import.meta.url),
  );
  return input('wasbox') || inPath('wasbox') || (existsSync(built) ? built : await released());
}

const lines = env.INPUT_RUN ?? '';
if (lines.trim() === '') fail('run: is empty. Give the lines to run.');
const changes = input('changes') || 'discard';
if (changes !== 'discard' && changes !== 'apply')
  fail(`changes: ${changes}. Use discard or apply.`);

const report = join(work, 'report.json');
const shell = inPath('bash') ? ['bash', '-eo', 'pipefail', '-c'] : ['sh', '-e', '-c'];
const options = input('options')
  .split(/\s+/)
  .filter((word) => word !== '');
const argv = ['run', `--${changes}`, '--report', report, ...options, '--', ...shell, lines];
const program = await command();

// The runner takes lines that begin with :: for its own commands, until this word comes. It reads stdout and stderr side by
// side: all that the program prints goes through stdout, so that none of it arrives after the word.
const word = randomUUID();
console.log(`::stop-commands::${word}`);
const { status, signal, error } = spawnSync(program, argv, {
  cwd: resolve(input('working-directory') || '.'),
  stdio: ['ignore', 1, 1],
});
console.log(`\n::${word}::`);
if (error) fail(`${program}: ${error.message}`);

const told = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : undefined;
if (told !== undefined && env.GITHUB_STEP_SUMMARY)
  appendFileSync(env.GITHUB_STEP_SUMMARY, summaryOf(told));
if (told?.changes?.disposition === 'partly-applied')
  console.log(
    '::warning title=wasbox::Some changes want a look and were not applied. The summary lists all.',
  );
process.exitCode = status ?? (signal ? 137 : 125);
