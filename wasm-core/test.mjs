// C unit tests of the policy core, built with the host's compiler and sanitizers. `--random N SEED`
// runs the random policies alone, N of them, optimised and without sanitizers;
// `--random --kernel N SEED` does so in the running kernel.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const out = join(root, 'test', '.build');
mkdirSync(out, { recursive: true });

function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', cwd: root });
  if (error) throw error;
  if (status !== 0) process.exit(1);
}

const sources = ['wasm-core/src', 'wasm-core/syscalls'].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((file) => file.endsWith('.c'))
    .map((file) => `${folder}/${file}`),
);

function build(name, options) {
  const program = join(out, name);
  run(process.env.CC ?? 'cc', [
    ...['-std=c17', '-g', '-Wall', '-Wextra', '-Werror', ...options],
    ...['-Iwasm-core/include', '-Iwasm-core/syscalls', '-o', program],
    ...[`test/unit/core/${name}.c`, ...sources],
  ]);
  return program;
}

const sanitize = ['-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
const at = process.argv.indexOf('--random');
if (at >= 0) {
  run(build('random_test', ['-O2']), process.argv.slice(at + 1));
} else {
  run(build('core_test', sanitize), []);
  const random = build('random_test', sanitize);
  run(random, ['300']);
  run(random, ['--kernel', '100']);
}
