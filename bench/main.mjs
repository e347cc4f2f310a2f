// All measurements of the README's and the site's figures, in one run, as an ordinary user.
//   npm run bench -- [--rounds N] [--only SECTION,…] [--save DIR] [--user NAME] [--readme] [--json]
// As root, give --user: the measurements run as that user, who is made and removed where missing.
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
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { startupChart } from './chart.mjs';
import { machine } from './machine.mjs';
import { cleanEnvironment, summarize } from './measure.mjs';
import { measureMemory } from './memory.mjs';
import { findPeers } from './peers.mjs';
import { measurePool } from './pool.mjs';
import { measurePrograms } from './programs.mjs';
import { readmeBlock, text } from './render.mjs';
import { measureSituations } from './situations.mjs';
import { measureIsolations, measureStartup } from './startup.mjs';
import { measureSteady } from './steady.mjs';
import { judge } from './targets.mjs';
import { measureThroughput } from './throughput.mjs';
import { compile } from './timer.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '40' },
    only: { type: 'string' },
    save: { type: 'string' },
    user: { type: 'string' },
    readme: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds takes a whole number');
const sections = values.only?.split(',');
const wanted = (name) => sections === undefined || sections.includes(name);
const say = (what) => process.stderr.write(`bench: ${what}\n`);

function library({ work, dist }, megabytes) {
  const script = fileURLToPath(new URL('library.mjs', import.meta.url));
  const argv = [script, rounds * 2, work, dist, megabytes].map(String);
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, {
    env: cleanEnvironment(),
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`library.mjs ended with ${status}: ${stderr}`);
  const samples = new Map(JSON.parse(stdout).samples);
  return [...samples].map(([name, us]) => {
    const over = (base) =>
      samples.has(base) ? summarize(name, us, samples.get(base)).ratio : undefined;
    return {
      ...summarize(name, us),
      overBubblewrap: over('spawn(bwrap)'),
      overSpawn: over('spawn'),
      overPython: over('python3'),
    };
  });
}

async function measureAll() {
  const dist = join(root, 'dist');
  // The directory is in home: what lies below /tmp is hidden from the sandbox, as from those of peers.
  const work = mkdtempSync(join(homedir(), 'wasbox-bench-'));
  const state = mkdtempSync(join(homedir(), 'wasbox-bench-state-'));
  process.env.XDG_STATE_HOME = state;
  for (const name of Object.keys(process.env)) {
    if (!(name in cleanEnvironment())) delete process.env[name];
  }
  try {
    writeFileSync(join(work, 'noop.c'), 'int main(void) { return 0; }\n');
    const noop = compile(join(work, 'noop.c'), join(work, 'noop'), '-static');
    const lib = await import(pathToFileURL(join(dist, 'index.js')).href);
    const context = { work, dist, noop, rounds };
    const results = { schemaVersion: 2, rounds, machine: machine() };
    const measurements = {
      startup: () => {
        const { working, missing } = findPeers(work, noop);
        results.missing = missing;
        return measureStartup({ ...context, working });
      },
      isolations: () => measureIsolations(context),
      situations: () => measureSituations(context),
      programs: () => measurePrograms(context),
      library: () => ({ small: library(context, 0), large: library(context, 1100) }),
      pool: () => measurePool(lib, context),
      throughput: () => measureThroughput(lib, context),
      memory: () => measureMemory(lib, context),
      steady: () => measureSteady(lib, context),
    };
    for (const [name, measure] of Object.entries(measurements)) {
      if (!wanted(name)) continue;
      say(name);
      results[name] = await measure();
    }
    results.targets = judge(results);
    return results;
  } finally {
    for (const directory of [work, state]) {
      spawnSync('chmod', ['-R', 'u+rwX', directory]);
      rmSync(directory, { recursive: true, force: true });
    }
  }
}

/** Measures the same, when started as root, as the user, on a copy that the user can read. */
function measureAsUser(name) {
  const id = (flag) => spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout.trim();
  const made = id('-u') === '';
  if (made) spawnSync('useradd', ['--create-home', name], { stdio: 'inherit' });
  const home = spawnSync('getent', ['passwd', name], { encoding: 'utf8' }).stdout.split(':')[5];
  const copy = mkdtempSync(join(home, 'wasbox-copy-'));
  try {
    for (const part of ['dist', 'bench', 'package.json']) {
      cpSync(join(root, part), join(copy, part), { recursive: true });
    }
    spawnSync('chown', ['-R', `${id('-u')}:${id('-g')}`, copy]);
    const identity = ['setpriv', `--reuid=${name}`, `--regid=${id('-g')}`, '--init-groups'];
    const environment = ['env', '-i', `HOME=${home}`, `USER=${name}`, `PATH=${process.env.PATH}`];
    const only = values.only ? ['--only', values.only] : [];
    const bench = [join(copy, 'bench', 'main.mjs'), '--json', '--rounds', values.rounds, ...only];
    const argv = [...identity, ...environment, process.execPath, ...bench];
    const { status, stdout } = spawnSync(argv[0], argv.slice(1), {
      cwd: copy,
      stdio: ['ignore', 'pipe', 'inherit'],
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
    if (status !== 0) throw new Error(`the measurements as ${name} ended with ${status}`);
    return JSON.parse(stdout);
  } finally {
    rmSync(copy, { recursive: true, force: true });
    if (made) spawnSync('userdel', ['--remove', name], { stdio: 'ignore' });
  }
}

function save(results, directory) {
  const target = join(directory, results.machine.date.slice(0, 10));
  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
  say(`saved in ${target}`);
  return target;
}

function updateReadme(results, saved) {
  const path = join(root, 'README.md');
  const readme = readFileSync(path, 'utf8');
  const [start, end] = ['<!-- bench -->', '<!-- /bench -->'];
  const [from, to] = [readme.indexOf(start), readme.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`README.md has no ${start} … ${end}`);
  // The README must stand without files beside it being renamed: always the newest chart.
  const svg = startupChart(results);
  if (svg === undefined) throw new Error('--readme takes the section startup');
  const folder = dirname(saved);
  writeFileSync(join(folder, 'startup.svg'), svg);
  // The tree keeps the latest results alone.
  for (const day of readdirSync(folder))
    if (/^\d{4}-\d\d-\d\d$/.test(day) && day !== basename(saved))
      rmSync(join(folder, day), { recursive: true });
  const block = readmeBlock(results, 'bench/results/startup.svg');
  writeFileSync(path, `${readme.slice(0, from)}${start}\n\n${block}\n\n${readme.slice(to)}`);
}

if (!existsSync(join(root, 'dist', 'index.js'))) throw new Error('run `npm run build` first');
if (process.geteuid() === 0 && values.user === undefined) {
  throw new Error('measure as an ordinary user, or as root with --user NAME');
}
const results = process.geteuid() === 0 ? measureAsUser(values.user) : await measureAll();
process.stdout.write(values.json ? `${JSON.stringify(results)}\n` : `${text(results)}\n`);
if (values.save !== undefined || values.readme) {
  const saved = save(results, values.save ?? join(root, 'bench', 'results'));
  if (values.readme) updateReadme(results, saved);
}
