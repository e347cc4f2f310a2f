// The policy core as a native program, for tests and fuzzing: one C file with a main function (or
// libFuzzer's entry point), and all of the core.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Debugger information, and an end of the program at the first finding of a sanitizer. */
export const sanitize = ['-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];

const out = join(root, 'test', '.build');

/** Runs a command of the build or the test itself; ends this process with 1 where it fails. */
export function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', cwd: root, ...options });
  if (error) throw error;
  if (status !== 0) process.exit(1);
}

const core = ['wasm-core/src', 'wasm-core/syscalls'].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((file) => file.endsWith('.c'))
    .map((file) => `${folder}/${file}`),
);

/** Compiles `mains` (paths below the root) with the core; returns the program's path. */
export function buildNative(
  name,
  mains,
  options,
  { compiler = process.env.CC ?? 'cc', libraries = [] } = {},
) {
  mkdirSync(out, { recursive: true });
  const program = join(out, name);
  run(compiler, [
    ...['-std=c17', '-g', '-Wall', '-Wextra', '-Werror', ...options],
    ...['-Iwasm-core/include', '-Iwasm-core/syscalls', '-o', program],
    ...[...mains, ...core, ...libraries],
  ]);
  return program;
}
