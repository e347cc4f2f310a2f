// Filter quality: Docker's profile for x86_64, without capabilities, compiled by wasbox and by
// Debian's libseccomp in one run; and random policies compiled by both.
//   npm run bench -- filters [--rounds N --policies N --profile FILE]
// Needs libseccomp-dev, a C compiler and the profile (golang-github-docker-docker-dev). Writes
// bench/results/filters.json and filters.md.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  compilePolicy,
  decodeFilter,
  importPolicy,
  init,
  simulateFilter,
  tablesVersion,
} from '../dist/policy.js';
import { buildNative } from '../wasm-core/native.mjs';
import { rulesOf } from './filters/profile.mjs';
import { renderTable } from './filters/table.mjs';
import { median, quantile } from './measure.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '200' },
    policies: { type: 'string', default: '20000' },
    profile: {
      type: 'string',
      default: '/usr/share/gocode/src/github.com/docker/docker/profiles/seccomp/default.json',
    },
  },
});
const root = fileURLToPath(new URL('..', import.meta.url));
const arch = 'x86_64';
const lastNumber = 469;
const sock = 8; // bytes of a struct sock_filter

await init(readFileSync(join(root, 'dist', 'wasbox-core.wasm')));
const profile = readFileSync(values.profile);
const { text } = importPolicy(profile, { from: 'oci', name: 'profile', arch: [arch] });
const weights = [
  ...readFileSync(join(root, 'wasm-core', 'syscalls', 'weights.txt'), 'utf8').matchAll(
    /^\s*(\d+) (\w+)$/gm,
  ),
].map(([, weight, call]) => ({ weight: Number(weight), call }));

/** Instructions executed with all arguments 0, for a filter of any compiler. */
function figuresOf(bpf) {
  const executed = (call) => simulateFilter(bpf, { call, arch }).path.length;
  let sum = 0;
  for (let number = 0; number <= lastNumber; number++) sum += executed(number);
  const all = weights.reduce((total, { weight }) => total + weight, 0);
  const weighted = weights.reduce((total, { weight, call }) => total + weight * executed(call), 0);
  // A kernel from 5.11 on runs the filter for these: the others it knows to be allowed.
  const decoded = decodeFilter({ bpf, arch });
  const runs = weights.filter(({ call }) => {
    const { path, action } = simulateFilter(bpf, { call, arch });
    const constant = path.every((at) => decoded[at].kind !== 'load' || decoded[at].k <= 4);
    return !(constant && action.kind === 'allow');
  });
  const some = runs.reduce((total, { weight }) => total + weight, 0);
  const filtered = runs.reduce((total, { weight, call }) => total + weight * executed(call), 0);
  return {
    filtered: some === 0 ? 0 : filtered / some,
    instructions: bpf.length / sock,
    mean: sum / (lastNumber + 1),
    weighted: weighted / all,
  };
}

const work = mkdtempSync(join(tmpdir(), 'wasbox-bench-'));
const rules = join(work, 'rules');
const policy = join(work, 'policy');
writeFileSync(rules, rulesOf(JSON.parse(profile.toString())));
writeFileSync(policy, text);
const native = (name) =>
  buildNative(`bench-${name}`, [`bench/filters/${name}.c`], ['-O2', '-D_GNU_SOURCE'], {
    linking: ['-lseccomp'],
  });
const driver = native('libseccomp');
const random = native('random');
const exported = (kind) => execFileSync(driver, ['export', kind, rules]);

/** Compilation, proof included, in turns: libseccomp's tree, the native core, the core as WASM. */
async function timeCompilers(rounds, warmUps) {
  const child = spawn(driver, ['time', rules, policy], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const samples = { libseccomp: [], native: [], wasm: [] };
  for (let round = -warmUps; round < rounds; round++) {
    child.stdin.write('go\n');
    const { value, done } = await lines.next();
    if (done) throw new Error('the driver ended early');
    const [libseccomp, own] = value.split(' ').map(Number);
    const start = process.hrtime.bigint();
    compilePolicy({ text, name: 'policy' }, { arch });
    const wasm = Number(process.hrtime.bigint() - start) / 1e3;
    if (round < 0) continue;
    samples.libseccomp.push(libseccomp);
    samples.native.push(own);
    samples.wasm.push(wasm);
  }
  child.stdin.end();
  const row = (name) => ({
    name,
    medianUs: median(samples[name]),
    lowUs: quantile(samples[name], 0.25),
    highUs: quantile(samples[name], 0.75),
    ratio: median(samples[name].map((us, round) => us / samples.libseccomp[round])),
  });
  return Object.keys(samples).map(row);
}

function miscompiled(policies) {
  const seed = 1;
  const lines = execFileSync(random, [String(policies), String(seed)], { encoding: 'utf8' });
  const rows = lines
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
  const tally = ([who, ...counts]) => {
    const [wrong, weaker, stronger, refused] = counts.map(Number);
    return [who, { wrong, weaker, stronger, refused }];
  };
  return { policies, seed, ...Object.fromEntries(rows.map(tally)) };
}

const compiled = compilePolicy({ text, name: 'policy' }, { arch });
const cacheAware = compilePolicy({ text, name: 'policy' }, { arch, kernel: '5.11' });
const results = {
  schemaVersion: 1,
  machine: {
    date: new Date().toISOString(),
    kernel: release(),
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    node: process.version,
  },
  versions: {
    wasbox: JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version,
    libseccomp: execFileSync(driver, ['version'], { encoding: 'utf8' }).trim(),
    tables: tablesVersion(),
  },
  profile: { file: values.profile, arch, capabilities: [] },
  filters: {
    wasbox: { ...figuresOf(compiled.bpf), ...compiled.figures },
    wasboxCacheAware: { ...figuresOf(cacheAware.bpf), ...cacheAware.figures },
    libseccomp: figuresOf(exported('default')),
    libseccompTree: figuresOf(exported('tree')),
  },
  random: miscompiled(Number(values.policies)),
  compile: await timeCompilers(Number(values.rounds), 20),
};
rmSync(work, { recursive: true });
const out = join(root, 'bench', 'results');
mkdirSync(out, { recursive: true });
const table = renderTable(results);
writeFileSync(join(out, 'filters.json'), `${JSON.stringify(results, null, 2)}\n`);
writeFileSync(join(out, 'filters.md'), table);
process.stdout.write(table);
