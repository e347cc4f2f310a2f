// The cases inside the virtual machine share this: starting wasbox as a user does, and a line a case.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { release } from 'node:os';

export const dist = '/wasbox/dist';
export const cli = `${dist}/cli.cjs`;
export const library = `${dist}/index.js`;
export const front = `${dist}/native/linux-x64/wasbox`;
export const kernel = release();
const [major, minor] = kernel.split('.').map(Number);
export const since = (wantedMajor, wantedMinor) =>
  major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);

/** The working directory of every case, with the examples in it. */
export const project = '/home/user/project';
rmSync(project, { recursive: true, force: true });
mkdirSync(project);
cpSync('/wasbox/examples', project, { recursive: true });
process.chdir(project);

/** Runs a program, with descriptor 3 for a report; how it ended, what it printed, how long it took. */
export function start(argv, options = {}) {
  const started = process.hrtime.bigint();
  const [file, ...words] = argv;
  const { status, stdout, stderr, output, error } = spawnSync(file, words, {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    encoding: 'utf8',
    timeout: 600_000,
    ...options,
  });
  const ms = Number((process.hrtime.bigint() - started) / 1_000_000n);
  let report;
  try {
    report = JSON.parse(output?.[3] ?? '');
  } catch {
    // There is none.
  }
  return { status, stdout: stdout ?? '', stderr: (stderr ?? `${error}`).trim(), report, ms };
}

export const wasbox = (words, options) => start([process.execPath, cli, ...words], options);
export const runProgram = (words, options) => wasbox(['run', '--report', '3', ...words], options);

/** A run that leaves a mark on this machine where its program starts at all. */
const marks = '/home/user/marks';
export function runMarked(command = [process.execPath, cli], options = []) {
  rmSync(marks, { recursive: true, force: true });
  mkdirSync(marks);
  const program = ['sh', '-c', `: > ${marks}/ran`];
  return start([...command, 'run', '--report', '3', '--rw', marks, ...options, '--', ...program]);
}
export const wasMarked = () => readdirSync(marks).length > 0;

let failed = 0;

/** Says that something else than a fact of a run is wrong. */
export function fail(what) {
  failed += 1;
  console.log(`FAIL ${what}`);
}

/** A case: what must be true of it, and what it printed. */
export function check(name, run, facts) {
  const wrong = Object.entries(facts).filter(([, good]) => !good);
  console.log(
    `${wrong.length === 0 ? 'ok  ' : 'FAIL'} ${name}: status ${run.status}, ${run.ms} ms`,
  );
  const told = run.stderr
    .split('\n')
    .filter((line) => wrong.length > 0 || line.startsWith('wasbox: '));
  for (const line of told) if (line !== '') console.log(`       ${line}`);
  for (const [what] of wrong) console.log(`     ! ${what}`);
  failed += wrong.length;
}

export function finish() {
  process.exit(failed === 0 ? 0 : 1);
}
