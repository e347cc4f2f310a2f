// The policy core as a native program, for tests and fuzzing: one C file with a main function (or
// libFuzzer's entry point), and all of the core.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Debugger information, and an end of the program at the first finding of a sanitizer. */
export const sanitize = ['-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];

const basics = ['-std=c17', '-g', '-Wall', '-Wextra', '-Werror'];
const out = join(root, 'test', '.build');

/** Runs a command of the build or the test itself; ends this process with 1 where it fails. */
export function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', cwd: root, ...options });
  if (error) throw error;
  if (status !== 0) process.exit(1);
}

/** Compiles the core's files into an archive, once for each set of options in a process. */
const archives = new Map();
function core(compiler, options) {
  const key = [compiler, ...options].join(' ');
  const known = archives.get(key);
  if (known !== undefined) return known;
  const folder = join(out, `core-${archives.size}-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const sources = ['src', 'syscalls'].flatMap((name) =>
    readdirSync(join(root, 'wasm-core', name))
      .filter((file) => file.endsWith('.c'))
      .map((file) => join(root, 'wasm-core', name, file)),
  );
  const paths = ['include', 'syscalls'].map((name) => `-I${join(root, 'wasm-core', name)}`);
  run(compiler, ['-c', ...basics, ...options, ...paths, ...sources], { cwd: folder });
  const objects = readdirSync(folder).map((file) => join(folder, file));
  archives.set(key, objects);
  return objects;
}

/**
 * Compiles `mains` (paths below the root) with the core; returns the program's path. Options are for
 * both, `linking` for the program alone.
 */
export function buildNative(
  name,
  mains,
  options,
  { compiler = process.env.CC ?? 'cc', linking = [] } = {},
) {
  mkdirSync(out, { recursive: true });
  const program = join(out, name);
  run(compiler, [
    ...[...basics, ...options, '-Iwasm-core/include', '-Iwasm-core/syscalls', '-o', program],
    ...[...mains, ...core(compiler, options), ...linking],
  ]);
  return program;
}
