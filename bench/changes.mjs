// Measures what copy-on-write, diff and apply cost: programs that change many files, inside and outside, each
// from a fresh copy, in turns; and the walk of --hide patterns.
//   node bench/changes.mjs [--files N] [--rounds N] [--warm-ups N] [--only WORD] [--save DIR]
// With --save it writes changes.json and changes.md: bench/results is the place for what is kept. With
// --only it measures what has WORD in its name, and keeps what is saved of the rest.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { changeScenarios } from './change-scenarios.mjs';
import { machine } from './machine.mjs';
import { cleanEnvironment, inTurn, summarize } from './measure.mjs';

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '5' },
    'warm-ups': { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    save: { type: 'string' },
  },
});
const turns = { rounds: Number(values.rounds), warmUps: Number(values['warm-ups']) };
const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
const base = mkdtempSync(join(tmpdir(), 'wasbox-bench-'));
const env = { ...cleanEnvironment(), XDG_STATE_HOME: join(base, 'state') };
const original = join(base, 'original');
const work = join(base, 'work');

/** Microseconds of one run of a command. Throws where it does not end with 0. */
function timeCommand([command, ...args], options) {
  const start = process.hrtime.bigint();
  const { status, stderr } = spawnSync(command, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    ...options,
  });
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}`);
  return Number(process.hrtime.bigint() - start) / 1e3;
}

function freshCopy() {
  rmSync(work, { recursive: true, force: true });
  cpSync(original, work, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
}

const wasbox = (...args) => [process.execPath, cli, ...args];
/** Puts what a run left in place; links that lead out want to be named. */
function apply() {
  const options = { cwd: work, env };
  let us = timeCommand(['sh', '-c', '"$@" || [ $? = 1 ]', 'sh', ...wasbox('apply')], options);
  const left = spawnSync(process.execPath, [cli, 'diff', '--name-only'], {
    ...options,
    encoding: 'utf8',
  });
  const names = left.status === 0 ? left.stdout.trim().split('\n') : [];
  if (names.length > 0) us += timeCommand(wasbox('apply', ...names), options);
  return us;
}

async function measure({ name, make, script }) {
  mkdirSync(original);
  make(original);
  const outside = ['sh', '-ec', script];
  const run = (...options) => wasbox('run', '-q', ...options, '--', ...outside);
  const fresh = (argv) => () => {
    freshCopy();
    return timeCommand(argv, { cwd: work, env });
  };
  /** Parts of one and the same run; apply by itself. */
  const parts = { apply: 0 };
  const samples = await inTurn(
    [
      { name: 'outside', once: fresh(outside) },
      { name: 'inside, dropped', once: fresh(run('--discard')) },
      {
        name: 'inside, then applied',
        once: () => {
          const us = fresh(run())();
          parts.apply =
            readdirSync(join(env.XDG_STATE_HOME, 'wasbox/saved')).length > 0 ? apply() : 0;
          return us + parts.apply;
        },
      },
      { name: 'of that, apply', once: () => parts.apply },
    ],
    turns,
  );
  rmSync(original, { recursive: true });
  const base = samples.get('outside');
  return { name, rows: [...samples].map(([who, us]) => summarize(who, us, base)) };
}

/** Processor and elapsed time of the walk alone, on a tree of `files` files. */
async function measureHide(name, files, directories) {
  mkdirSync(original);
  for (let n = 0; n < directories; n++) {
    const place = join(original, `d${n % 100}`, `e${n}`);
    mkdirSync(place, { recursive: true });
    for (let i = 0; i < files / directories; i++) writeFileSync(join(place, `f${i}`), '');
  }
  const run =
    (...options) =>
    () =>
      timeCommand(wasbox('run', '-q', '--discard', ...options, '--', 'true'), {
        cwd: original,
        env,
      });
  const samples = await inTurn(
    [
      { name: 'no pattern', once: run() },
      { name: "--hide '**/.env*'", once: run('--hide', '**/.env*') },
      { name: '--hide-secrets', once: run('--hide-secrets') },
    ],
    turns,
  );
  rmSync(original, { recursive: true });
  const base = samples.get('no pattern');
  return { name, rows: [...samples].map(([who, us]) => summarize(who, us, base)) };
}

const savedBefore = (folder) => {
  const file = join(folder, 'changes.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).found : [];
};

const ms = (us) => (us / 1e3).toFixed(1);

function table({ name, rows }) {
  const lines = rows.map(
    (row) =>
      `| ${row.name} | ${ms(row.medianUs)} | ${ms(row.lowUs)}–${ms(row.highUs)} | ${row.count} | ${row.ratio.toFixed(2)} |`,
  );
  return [
    `## ${name[0].toUpperCase()}${name.slice(1)}`,
    '',
    '| | median, ms | quartiles, ms | rounds | ratio |',
    '| --- | ---: | ---: | ---: | ---: |',
    ...lines,
  ].join('\n');
}

try {
  const wanted = ({ name }) => name.includes(values.only);
  const found = [];
  for (const scenario of changeScenarios(Number(values.files)).filter(wanted)) {
    found.push(await measure(scenario));
  }
  const hiding = { name: 'hiding by pattern, 200000 files in 20000 directories' };
  if (wanted(hiding)) found.push(await measureHide(hiding.name, 200_000, 20_000));
  const known = values.save === undefined ? [] : savedBefore(values.save);
  found.push(...known.filter(({ name }) => !found.some((one) => one.name === name)));
  const results = { schemaVersion: 1, machine: machine(), found };
  const { date, cpu, cores, kernel, node, loadBefore } = results.machine;
  const text = `# Reversible runs

Written by \`npm run bench -- changes --save bench/results\`. ${date}; ${cpu}, ${cores} cores, Linux ${kernel}, Node ${node}, load ${loadBefore};
Each round from a fresh copy, in turns; ratios are medians of pairs. The whole command is
measured, the start of Node included.

${found.map(table).join('\n\n')}
`;
  console.log(text);
  if (values.save !== undefined) {
    writeFileSync(join(values.save, 'changes.json'), `${JSON.stringify(results, null, 2)}\n`);
    writeFileSync(join(values.save, 'changes.md'), text);
  }
} finally {
  rmSync(base, { recursive: true, force: true });
}
