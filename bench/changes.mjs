// What copy-on-write, diff and apply cost: programs that change many files, inside and outside, each
// from a fresh copy; and the walk of --hide patterns.  node bench/changes.mjs [--files N] [--rounds N]
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cleanEnvironment, inTurn, summarize } from './measure.mjs';

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '5' },
  },
});
const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
const base = mkdtempSync(join(tmpdir(), 'wasbox-bench-'));
const state = join(base, 'state');
const env = { ...cleanEnvironment(), XDG_STATE_HOME: state };

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

/** Name, what the tree holds, and the script. */
const scenarios = [
  [
    `sed -i over ${values.files} files`,
    (directory) => {
      for (let n = 0; n < Number(values.files); n++) {
        const place = join(directory, `d${n % 100}`);
        mkdirSync(place, { recursive: true });
        writeFileSync(join(place, `f${n}.txt`), `file ${n}\nfoo bar\n`);
      }
    },
    'find . -name "*.txt" | xargs sed -i s/foo/FOO/',
  ],
  [
    'git commit of 1000 files',
    (directory) => {
      mkdirSync(join(directory, 'd'));
      for (let n = 0; n < 1000; n++) writeFileSync(join(directory, 'd', `f${n}`), `file ${n}\n`);
      execFileSync('git', ['init', '-q'], { cwd: directory });
    },
    'git add . && git -c user.email=a@b -c user.name=n commit -qm one',
  ],
  [
    'install of 500 files',
    (directory) => {
      mkdirSync(join(directory, 'src'));
      for (let n = 0; n < 500; n++)
        writeFileSync(join(directory, 'src', `f${n}`), 'x'.repeat(4000));
    },
    'mkdir -p root/usr/share/x && install -m 644 src/* root/usr/share/x',
  ],
  ['nothing', () => {}, 'true'],
];

try {
  for (const [name, make, script] of scenarios) {
    const original = join(base, 'original');
    mkdirSync(original);
    make(original);
    const work = join(base, 'work');
    const fresh = (argv) => () => {
      rmSync(work, { recursive: true, force: true });
      cpSync(original, work, { recursive: true, preserveTimestamps: true });
      return timeCommand(argv, { cwd: work, env });
    };
    const inside = (...options) => [process.execPath, cli, 'run', '-q', ...options];
    const command = ['--', 'sh', '-ec', script];
    const samples = await inTurn(
      [
        { name: 'outside', once: fresh(['sh', '-ec', script]) },
        { name: 'inside, dropped', once: fresh([...inside('--discard'), ...command]) },
        { name: 'inside, applied', once: fresh([...inside('--apply'), ...command]) },
        {
          name: "inside, --hide '**/.env*'",
          once: fresh([...inside('--discard', '--hide', '**/.env*'), ...command]),
        },
      ],
      { rounds: Number(values.rounds), warmUps: 1 },
    );
    console.log(`\n${name}`);
    const outside = samples.get('outside');
    for (const row of [...samples].map(([who, us]) => summarize(who, us, outside))) {
      const ms = (row.medianUs / 1e3).toFixed(1).padStart(9);
      console.log(`  ${row.name.padEnd(28)} ${ms} ms  ${row.ratio.toFixed(2)} x`);
    }
    rmSync(original, { recursive: true });
  }
} finally {
  rmSync(base, { recursive: true, force: true });
}
