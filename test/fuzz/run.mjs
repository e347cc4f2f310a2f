// Fuzzing of the policy core with libFuzzer, AddressSanitizer and UBSan:
//
//   npm run fuzz                      all targets, half an hour each, one after another
//   npm run fuzz -- policy 600        one target, for so many seconds
//   npm run fuzz -- --minimise        what new inputs found, merged into test/fuzz/corpus
//
// Needs clang with compiler-rt (Debian: clang-19, libclang-rt-19-dev); CLANG names another one.
// New inputs are kept in test/.build/fuzz/TARGET, findings in test/.build/fuzz/TARGET-finding-*: such
// a file becomes an entry of the corpus, together with its fix.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildNative, root, run, sanitize } from '../../wasm-core/native.mjs';
import { targets } from './targets.mjs';

const MOST_BYTES = 28_000; // of a target's corpus: three of them stay below 100 KB
const MOST_FILES = 150;
const HALF_AN_HOUR = 1800;

const compiler = process.env.CLANG ?? 'clang-19';
const found = join(root, 'test', '.build', 'fuzz');
const args = process.argv.slice(2);
const minimise = args.includes('--minimise');
const chosen = targets.filter((name) => args.includes(name));
const seconds = Number(args.find((arg) => /^\d+$/.test(arg)) ?? HALF_AN_HOUR);

/** Keeps inputs that reach everything between them; of those, evenly by size, as many as fit. */
function merge(program, name) {
  const corpus = join(root, 'test', 'fuzz', 'corpus', name);
  const merged = mkdtempSync(join(tmpdir(), 'wasbox-merge-'));
  run(program, ['-set_cover_merge=1', '-detect_leaks=0', merged, corpus, join(found, name)]);
  const files = readdirSync(merged)
    .map((file) => ({ file, size: statSync(join(merged, file)).size }))
    .sort((a, b) => a.size - b.size);
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const step = Math.max(1, files.length / MOST_FILES, total / MOST_BYTES);
  for (const old of readdirSync(corpus).filter((file) => /^[0-9a-f]{40}$/.test(file)))
    rmSync(join(corpus, old));
  for (let at = 0; at < files.length; at += step) {
    const { file } = files[Math.floor(at)];
    copyFileSync(join(merged, file), join(corpus, file));
  }
  rmSync(merged, { recursive: true });
}

for (const name of chosen.length > 0 ? chosen : targets) {
  const program = buildNative(
    `${name}_fuzz`,
    [`test/fuzz/${name}_fuzz.c`],
    [...sanitize, '-O2', '-fsanitize=fuzzer'],
    { compiler },
  );
  mkdirSync(join(found, name), { recursive: true });
  if (minimise) {
    merge(program, name);
    continue;
  }
  const dictionary = join(root, 'test', 'fuzz', `${name}.dict`);
  run(program, [
    `-max_total_time=${seconds}`,
    '-timeout=30',
    '-rss_limit_mb=3000',
    // The arena keeps what it has; looking for leaks after each input would take all the time.
    '-detect_leaks=0',
    '-max_len=8192',
    '-print_final_stats=1',
    `-artifact_prefix=${found}/${name}-finding-`,
    ...(existsSync(dictionary) ? [`-dict=${dictionary}`] : []),
    join(found, name),
    join(root, 'test', 'fuzz', 'corpus', name),
  ]);
}
