/**
 * Changes the sources in one place at a time (a condition turned round, a bound off by one, a check removed), and says which
 * tier of the tests notices: `check`, `test` or `all`, the cheapest first.
 *
 *     npm run nightly -- mutants [--most check|test|all] [--only NUMBER,…]
 *
 * Works in a copy of the checkout, with its node_modules and build. Prints a line for each mutant, and the sums.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const { values } = parseArgs({
  options: { most: { type: 'string', default: 'test' }, only: { type: 'string' } },
});
const mutants = JSON.parse(fs.readFileSync(new URL('mutants.json', import.meta.url), 'utf8'));
const tiers = ['check', 'test', 'all'].slice(0, ['check', 'test', 'all'].indexOf(values.most) + 1);

const work = fs.mkdtempSync(join(tmpdir(), 'wasbox-mutants-'));
const copy = join(work, 'wasbox');
execFileSync('git', ['clone', '--quiet', '--no-hardlinks', checkout, copy]);
for (const name of ['node_modules', 'dist', 'addon/build', 'addon/engine/build'])
  execFileSync('cp', ['-a', '--reflink=auto', join(checkout, name), join(copy, name, '..')]);

const run = (...words) =>
  spawnSync('npm', ['run', '--silent', ...words], {
    cwd: copy,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    timeout: 3_600_000,
  });

/** The first tier that fails, and with what. */
function caughtBy() {
  // A mutant that does not compile is noticed by the build, which comes before any test.
  const built = run('build');
  if (built.status !== 0) return ['build', built.stdout.trim().split('\n').at(-1) ?? ''];
  for (const tier of tiers) {
    const { status, stdout } = run(tier === 'all' ? 'test:all' : tier);
    if (status !== 0) return [tier, /^failed: (.*)$/m.exec(stdout)?.[1] ?? `status ${status}`];
  }
  return ['nothing', ''];
}

const sums = new Map();
const only = values.only?.split(',').map(Number);
for (const [i, { file, from, to }] of mutants.entries()) {
  if (only !== undefined && !only.includes(i + 1)) continue;
  const path = join(copy, file);
  const text = fs.readFileSync(path, 'utf8');
  const parts = text.split(from);
  if (parts.length !== 2)
    throw new Error(`mutant ${i + 1}: ${parts.length - 1} times in ${file}: ${from}`);
  fs.writeFileSync(path, parts.join(to));
  const begun = performance.now();
  const [by, what] = caughtBy();
  fs.writeFileSync(path, text);
  sums.set(by, (sums.get(by) ?? 0) + 1);
  const seconds = Math.round((performance.now() - begun) / 1000);
  console.log(`${i + 1}  ${by}  ${seconds} s  ${file}: ${from.trim()} -> ${to.trim()}  ${what}`);
}
console.log([...sums].map(([by, count]) => `${by} ${count}`).join(', '));
fs.rmSync(work, { recursive: true });
