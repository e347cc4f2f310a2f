// Measures what reports cost: the same programs in the same sandbox unreported, as in an ordinary run, and with
// --audit; paired and interleaved, medians. Then a flood of refusals: what each takes, what becomes of the
// report and of the supervisor's memory, and how fast the host answers meanwhile. `node bench/reports.mjs
// [--rounds N] [--flood N] [--user NAME] [--only WORD] [--save FILE]`. The unreported run has the policy's
// own filter, which refuses by itself: no listener, no questions, nothing decoded.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { probeWhile } from '../test/support/responsive.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const option = (name, otherwise) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : process.argv[at + 1];
};
const rounds = Number(option('rounds', 9));
const floods = Number(option('flood', 1_000_000));
const only = option('only', '');

const project = mkdtempSync(join(tmpdir(), 'wasbox-bench-reports-'));
const state = `${project}-state`;
mkdirSync(join(project, 'src'));
mkdirSync(state);
const names = Array.from({ length: 50 }, (_, i) => `f${i}`);
for (const name of names) {
  writeFileSync(
    join(project, 'src', `${name}.c`),
    `#include <stdio.h>\n#include <stdlib.h>\nint ${name}(int n) { return printf("%d\\n", n + rand()); }\n`,
  );
}
writeFileSync(
  join(project, 'Makefile'),
  `all: ${names.map((name) => `src/${name}.o`).join(' ')}\n%.o: %.c\n\t$(CC) -c $< -o $@\n`,
);
const cc = (source, name) => {
  const { status, stderr } = spawnSync('cc', ['-O2', '-o', join(project, name), source]);
  if (status !== 0) throw new Error(String(stderr));
};
cc(join(root, 'test/support/flood.c'), 'flood');
const busy = `${project}-state/busy.c`;
writeFileSync(busy, 'int main(void) { for (volatile long i = 0;; i++) ; }\n');
cc(busy, 'busy');

/**
 * Program, how much longer an ordinary run of it may take than an unreported one, and how it may end:
 * find with 1, where /usr has a directory that is closed to the user.
 */
const programs = [
  ['Python hello', ['python3', '-c', 'print("hello")'], 1.1, [0]],
  ['make of 50 C files', ['make', '-s', 'all'], 1.1, [0]],
  ['find /usr', ['find', '/usr', '-name', 'nothing-of-that-name'], 1.5, [0, 1]],
];

const user = option('user', undefined);
const ids =
  user === undefined
    ? []
    : ['-u', '-g'].map((flag) => Number(spawnSync('id', [flag, user]).stdout));
const as = user === undefined ? {} : { uid: ids[0], gid: ids[1] };
if (user !== undefined) spawnSync('chown', ['-R', ids.join(':'), project, state]);

/** The program lies beside the build of the tests, from where it finds the native part. */
const runner = join(root, 'test', '.build', 'bench-reports-run.mjs');
buildSync({
  entryPoints: [join(root, 'bench/reports-run.ts')],
  outfile: runner,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  logLevel: 'error',
});

/** Runs it to its end; what it cost. */
async function once(argv, variant, onStart) {
  const child = spawn(process.execPath, [runner, variant, JSON.stringify(argv)], {
    cwd: project,
    ...as,
    env: { PATH: process.env.PATH, HOME: state, XDG_STATE_HOME: state },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = ['', ''];
  child.stdout.on('data', (chunk) => {
    texts[0] += chunk;
  });
  child.stderr.on('data', (chunk) => {
    texts[1] += chunk;
  });
  const closed = new Promise((resolve) => child.once('close', resolve));
  await onStart?.(child);
  const status = await closed;
  if (onStart !== undefined && child.killed) return undefined;
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${texts[1]}`);
  return JSON.parse(texts[0]);
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

/** The figures that are compared, and in which words. Processor time excludes waiting for others. */
const measures = [
  ['payloadMs', 'until its end'],
  ['wholeMs', 'with the report'],
  ['cpuMs', 'processor'],
];
const variants = ['unreported', 'ordinary', 'audit'];

async function compare(name, argv, target, ends) {
  const taken = { unreported: [], ordinary: [], audit: [] };
  for (const variant of variants) await once(argv, variant);
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < variants.length; i++) {
      const variant = variants[(round + i) % variants.length];
      taken[variant].push(await once(argv, variant));
    }
  }
  const statuses = new Set(Object.values(taken).flatMap((runs) => runs.map((run) => run.exitCode)));
  if (statuses.size !== 1 || !ends.includes(taken.ordinary[0].exitCode)) {
    throw new Error(`${name}: ended with ${[...statuses].join(', ')}`);
  }
  // Pairs of one round, so that what the machine did meanwhile counts for both.
  const ratio = (variant, measure) =>
    median(taken[variant].map((run, i) => run[measure] / taken.unreported[i][measure]));
  const row = { name, target, refusals: median(taken.ordinary.map((run) => run.refusals)) };
  for (const [measure] of measures) {
    row[measure] = {
      unreported: median(taken.unreported.map((run) => run[measure])),
      ordinary: ratio('ordinary', measure),
      audit: ratio('audit', measure),
    };
  }
  console.log(`${name} (an ordinary run at most ${target}x)`);
  for (const [measure, words] of measures) {
    const { unreported, ordinary, audit } = row[measure];
    console.log(
      `  ${words.padEnd(16)} unreported ${unreported.toFixed(1).padStart(8)} ms  ordinary ${ordinary.toFixed(2)}x  --audit ${audit.toFixed(2)}x`,
    );
  }
  return row;
}

/** How fast the host answers while the program runs; `least` answers, for one that has no end. */
async function answers(file, argv, variant, least) {
  let run;
  const figures = await probeWhile(file, async ({ begin, count }) => {
    const until = async (enough) => {
      while (!enough()) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    await until(() => count() > 3);
    begin();
    if (argv === undefined) return await until(() => count() >= least);
    run = await once(argv, variant, async (child) => {
      if (least === undefined) return;
      await until(() => count() >= least);
      child.kill('SIGKILL'); // and the sandbox with it
    });
  });
  return { ...figures, run };
}

/** A million refusals: the report and the supervisor stay as they are with a few thousand. */
async function flood() {
  const file = join(state, 'probe');
  const few = await once(['./flood', '2000'], 'ordinary');
  const idle = await answers(file, undefined, undefined, 100);
  // Any program that computes takes a processor; a flood may take no more of the host than that.
  const computing = await answers(file, ['./busy'], 'unreported', 200);
  const { run, ...flooded } = await answers(file, ['./flood', String(floods)], 'ordinary');
  const row = {
    refusals: run.refusals,
    seconds: run.payloadMs / 1000,
    microseconds: (run.payloadMs * 1000) / floods,
    cpuMicroseconds: (run.cpuMs * 1000) / floods,
    reportBytes: { of2000: few.reportBytes, ofAll: run.reportBytes },
    peakKiB: { of2000: few.peakKiB, ofAll: run.peakKiB },
    host: { idle, computing: { ...computing, run: undefined }, flooded },
  };
  const ms = ({ median, p95 }) => `${median.toFixed(2)} ms (95th ${p95.toFixed(2)})`;
  console.log(
    [
      `flood of ${run.refusals} refusals: ${row.seconds.toFixed(1)} s, ${row.microseconds.toFixed(1)} µs each, ${row.cpuMicroseconds.toFixed(1)} µs of a processor`,
      `  report           ${run.reportBytes} bytes, of 2000 refusals ${few.reportBytes}`,
      `  supervisor       ${run.peakKiB} KiB at most, with 2000 refusals ${few.peakKiB}`,
      `  the host answers in ${ms(idle)} idle, ${ms(computing)} beside a program that computes, ${ms(flooded)} during the flood`,
    ].join('\n'),
  );
  return row;
}

const results = [];
for (const [name, argv, target, ends] of programs.filter(([name]) => name.includes(only))) {
  results.push(await compare(name, argv, target, ends));
}
const flooded = 'flood'.includes(only) && floods > 0 ? await flood() : undefined;
rmSync(project, { recursive: true, force: true });
rmSync(state, { recursive: true, force: true });
const save = option('save', undefined);
if (save !== undefined) {
  writeFileSync(save, `${JSON.stringify({ rounds, results, flood: flooded }, null, 2)}\n`);
}
