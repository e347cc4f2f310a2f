// What reports cost: the same programs in the same sandbox, with refusals unwatched, as in an ordinary
// run, and with --audit; paired and interleaved, medians. `node bench/reports.mjs [--rounds N] [--user
// NAME] [--only WORD] [--save FILE]`. The unreported run is made from the same plan without its watching filter.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const option = (name, otherwise) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : process.argv[at + 1];
};
const rounds = Number(option('rounds', 9));

const project = mkdtempSync(join(tmpdir(), 'wasbox-bench-reports-'));
mkdirSync(join(project, 'src'));
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

/** Program, and how much longer an ordinary run of it may take than an unreported one. */
const programs = [
  ['Python hello', ['python3', '-c', 'print("hello")'], 1.1],
  ['make of 50 C files', ['make', '-s', 'all'], 1.1],
  ['find /usr', ['find', '/usr', '-name', 'nothing-of-that-name'], 1.5],
];

const user = option('user', undefined);
const [uid, gid] =
  user === undefined
    ? []
    : ['-u', '-g'].map((flag) => Number(spawnSync('id', [flag, user]).stdout));
if (uid !== undefined) spawnSync('chown', ['-R', `${uid}:${gid}`, project]);

/** Beside the build of the tests, from where it finds the native part. */
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

/** Milliseconds from start to the payload's end, as the supervisor measured them. */
function once(argv, variant) {
  const child = spawnSync(process.execPath, [runner, variant, JSON.stringify(argv)], {
    cwd: project,
    ...(uid === undefined ? {} : { uid, gid }),
    env: {
      PATH: process.env.PATH,
      HOME: state,
      XDG_STATE_HOME: state,
    },
    encoding: 'utf8',
  });
  const ms = Number(child.stdout);
  if (child.status !== 0 || !(ms > 0)) throw new Error(`${argv.join(' ')}: ${child.stderr}`);
  return ms;
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

const state = `${project}-state`;
mkdirSync(state, { recursive: true });
if (uid !== undefined) spawnSync('chown', [`${uid}:${gid}`, state]);
const variants = ['unreported', 'ordinary', 'audit'];
const results = [];
const only = option('only', '');
for (const [name, argv, target] of programs.filter(([name]) => name.includes(only))) {
  const taken = { unreported: [], ordinary: [], audit: [] };
  for (const variant of variants) once(argv, variant);
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < variants.length; i++) {
      const variant = variants[(round + i) % variants.length];
      taken[variant].push(once(argv, variant));
    }
  }
  // Pairs of one round, so that what the machine did meanwhile counts for both.
  const ratio = (variant) => median(taken[variant].map((ms, i) => ms / taken.unreported[i]));
  const row = {
    name,
    unreportedMs: median(taken.unreported),
    ordinary: ratio('ordinary'),
    audit: ratio('audit'),
    target,
  };
  results.push(row);
  console.log(
    `${name}: unreported ${row.unreportedMs.toFixed(1)} ms; ordinary ${row.ordinary.toFixed(2)}x (at most ${target}x); --audit ${row.audit.toFixed(2)}x`,
  );
}
rmSync(project, { recursive: true, force: true });
rmSync(state, { recursive: true, force: true });
const save = option('save', undefined);
if (save !== undefined) writeFileSync(save, `${JSON.stringify({ rounds, results }, null, 2)}\n`);
