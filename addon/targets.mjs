// The targets of binding.gyp (which is JSON, as is the list that it includes), compiled by a compiler directly: for
// other processors than this machine's, and as a check. node-gyp builds the same for this one.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const addon = dirname(fileURLToPath(import.meta.url));
const read = (name) => JSON.parse(readFileSync(join(addon, name), 'utf8'));
const gyp = read('binding.gyp');
const defaults = gyp.target_defaults;
/** libgcc's atomics look at the processor, which takes a libc. */
const [[, { cflags: arm64Flags }]] = defaults.conditions;

/** e_machine of elf(5), by the name that Node has for a processor. */
export const machines = { x64: 62, arm64: 183 };

const require = createRequire(import.meta.url);

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: addon, stdio: 'inherit' });
  if (error) throw error;
  return status === 0;
}

/** With the sources of the lists that it includes, as gyp appends them. */
function targetOf(name) {
  const { includes = [], sources, ...rest } = gyp.targets.find((one) => one.target_name === name);
  return { ...rest, sources: [...sources, ...includes.flatMap((list) => read(list).sources)] };
}

const defines = (target) => (target.defines ?? []).map((define) => `-D${define}`);

/** An executable that needs no libc. */
function compileExecutable(target, { cc, more, file }) {
  return run(cc, [
    ...[...defaults.cflags, ...defaults.cflags_c, ...target.cflags, ...more],
    // Without symbols: those of an assembled file have the name of the compiler's temporary one.
    ...[...defines(target), ...target.ldflags, '-s', '-o', file, ...target.sources],
  ]);
}

/** Every source by itself, as C and C++ take different flags; undefined where one fails. */
function compileSources(target, { cc, cxx, more, file }) {
  const within = (name, path) => join(dirname(require.resolve(`${name}/package.json`)), path);
  const includes = [within('node-api-headers', 'include'), within('node-addon-api', '.')].flatMap(
    (path) => ['-isystem', path],
  );
  const common = [...defaults.cflags, ...target.cflags, ...more, ...defines(target), ...includes];
  const objects = [];
  for (const source of target.sources) {
    const object = `${file}.${objects.length}.o`;
    const isC = source.endsWith('.c');
    const flags = isC ? defaults.cflags_c : ['-std=gnu++17', ...target.cflags_cc];
    if (!run(isC ? cc : cxx, ['-c', '-O2', '-fPIC', ...common, ...flags, '-o', object, source]))
      return undefined;
    objects.push(object);
  }
  return objects;
}

function compileAddon(target, how) {
  const objects = compileSources(target, how);
  if (objects === undefined) return false;
  const { cxx, file } = how;
  const link = target.ldflags.map((flag) => flag.replace('<(module_root_dir)', addon));
  return run(cxx, ['-shared', '-s', ...link, '-o', file, ...objects, ...target.libraries]);
}

/**
 * Compiles a target of binding.gyp; returns whether it could.
 * @param {string} name of the target
 * @param {{ cc: string, cxx?: string, arch: string, more?: string[], file: string }} how
 */
export function compileTarget(name, { cc, cxx, arch, more = [], file }) {
  const target = targetOf(name);
  mkdirSync(dirname(file), { recursive: true });
  const all = { cc, cxx, file, more: [...more, ...(arch === 'arm64' ? arm64Flags : [])] };
  return target.type === 'executable' ? compileExecutable(target, all) : compileAddon(target, all);
}

/**
 * The objects of the addon, but for some of its sources, for another program to link; undefined where one fails.
 * @param {{ without: string[], arch: string, file: string }} how `file`: what their paths begin with
 */
export function compileAddonObjects({ without, arch, file }) {
  const { sources, ...target } = targetOf('wasbox');
  const wanted = sources.filter((source) => !without.includes(source));
  const more = arch === 'arm64' ? arm64Flags : [];
  return compileSources({ ...target, sources: wanted }, { cc: 'gcc', cxx: 'g++', more, file });
}

/** What these objects are made of: every file that they can include. */
export function addonSources() {
  const under = ['.', 'net', 'rundir', 'src', 'supervisor', 'sys'];
  return under.flatMap((folder) =>
    readdirSync(join(addon, folder))
      .filter((name) => /\.(c|cc|h|gyp|gypi|mjs)$/.test(name))
      .map((name) => join(addon, folder, name)),
  );
}

/** Processor of an ELF file, and whether it names a dynamic linker or a library (PT_INTERP, DT_NEEDED). */
export function elfOf(file) {
  const elf = readFileSync(file);
  const headers = Array.from({ length: elf.readUInt16LE(56) }, (_, i) => {
    const at = Number(elf.readBigUInt64LE(32)) + i * 56;
    const [offset, size] = [8, 32].map((field) => Number(elf.readBigUInt64LE(at + field)));
    return { type: elf.readUInt32LE(at), offset, size };
  });
  const dynamic = headers.filter(({ type }) => type === 2);
  const tags = dynamic.flatMap(({ offset, size }) =>
    Array.from({ length: size / 16 }, (_, i) => Number(elf.readBigUInt64LE(offset + i * 16))),
  );
  return {
    machine: elf.readUInt16LE(18),
    interpreter: headers.some(({ type }) => type === 3),
    libraries: tags.filter((tag) => tag === 1).length,
    /** DT_VERNEED: symbols of a certain version of a library. */
    versions: tags.includes(0x6ffffffe),
  };
}
