// Compiles the targets of native.mjs with a compiler for a processor. Called by build.mjs, by cross.mjs as a check, and by
// addon/engine for what the engine has of the addon.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { targets, warnings } from './native.mjs';

const addon = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);

const prefixes = { x64: 'x86_64-linux-gnu-', arm64: 'aarch64-linux-gnu-' };

/** The compilers for a processor, and what the names of its other tools begin with. */
export function compilersFor(arch) {
  const prefix = arch === process.arch ? '' : prefixes[arch];
  return { cc: `${prefix}gcc`, cxx: `${prefix}g++`, prefix };
}

/** e_machine of elf(5), by the name that Node has for a processor. */
const machines = { x64: 62, arm64: 183 };

/** libgcc's atomics look at the processor, which takes a libc. */
const forArch = { x64: [], arm64: ['-mno-outline-atomics'] };

/** The addon's headers are in these packages of npm's, and not of the Node that is installed. */
const headerFolders = { 'node-api-headers': 'include', 'node-addon-api': '.' };

/** Returns where a package is; undefined where it is not installed. */
function packageFolder(name) {
  try {
    return dirname(require.resolve(`${name}/package.json`));
  } catch {
    return undefined;
  }
}

/** Says which packages with headers are not installed; undefined where all are. */
export function whyNoHeaders() {
  const missing = Object.keys(headerFolders).filter((name) => packageFolder(name) === undefined);
  return missing.length === 0
    ? undefined
    : `these packages of Node's headers are not installed: ${missing.join(', ')} (npm ci)`;
}

const nodeHeaders = () =>
  Object.entries(headerFolders).flatMap(([name, path]) => [
    '-isystem',
    join(packageFolder(name), path),
  ]);

/** A word for the shell that make starts. */
const quoted = (word) => `'${word.replaceAll("'", "'\\''").replaceAll('$', '$$')}'`;

/**
 * Carries commands out side by side, each for a file that it makes of a source and of what that includes, where one of
 * these is newer. Returns whether all could be. Names are relative to `addon`: what is compiled depends on its headers in
 * a copy of the folder, too.
 */
function makeAll(commands) {
  const rules = commands.map(
    ({ file, source, words }) =>
      `${file}: ${source}\n\t@${words.map(quoted).join(' ')}\n-include ${file}.d\n`,
  );
  const all = `all: ${commands.map(({ file }) => file).join(' ')}\n${rules.join('')}`;
  const how = ['-s', '--no-print-directory', '-j', `${availableParallelism()}`, '-f', '-', 'all'];
  const { status, error } = spawnSync('make', how, {
    cwd: addon,
    input: all,
    stdio: ['pipe', 'inherit', 'inherit'],
    env: { ...process.env, MAKEFLAGS: '' },
  });
  if (error) throw new Error('make is needed to build the native part', { cause: error });
  return status === 0;
}

/** An object file for each source, in a directory; undefined where one fails. */
function compileSources(target, { cc, cxx, arch, more = [], directory }) {
  mkdirSync(directory, { recursive: true });
  const { cflags, cflagsCc = [], defines = [] } = target;
  const common = [
    ...[...warnings, ...cflags, ...forArch[arch], ...more],
    ...defines.map((define) => `-D${define}`),
    ...(target.executable ? [] : nodeHeaders()),
  ];
  const commands = target.sources.map((source) => {
    const file = relative(addon, join(directory, `${source.replaceAll('/', '_')}.o`));
    const isC = !source.endsWith('.cc');
    const flags = isC ? ['-std=gnu17'] : ['-std=gnu++17', ...cflagsCc];
    const dependencies = ['-MD', '-MP', '-MF', `${file}.d`];
    const words = [isC ? cc : cxx, '-c', ...dependencies, ...common, ...flags, '-o', file, source];
    return { file, source, words };
  });
  return makeAll(commands) ? commands.map(({ file }) => file) : undefined;
}

/** Links object files, without symbols: those of an assembled file have the name of a temporary one. */
function link(target, { cc, file }, objects) {
  const libraries = target.executable ? [] : ['-lgcc'];
  const words = ['-s', ...target.ldflags, '-o', file, ...objects, ...libraries];
  const { status, error } = spawnSync(cc, words, { cwd: addon, stdio: 'inherit' });
  if (error) throw error;
  return status === 0;
}

/**
 * Compiles a target of native.mjs, with its object files in a directory; returns whether it could.
 * @param {keyof typeof targets} name
 * @param {{ cc: string, cxx?: string, arch: string, more?: string[], file: string, directory: string }} how
 */
export function compileTarget(name, how) {
  mkdirSync(dirname(how.file), { recursive: true });
  const objects = compileSources(targets[name], how);
  return objects !== undefined && link(targets[name], how, objects);
}

/** The addon's object files for another program to link, but for those of some sources. */
export const addonObjects = (directory, without) =>
  targets.wasbox.sources
    .filter((source) => !without.includes(source))
    .map((source) => join(directory, `${source.replaceAll('/', '_')}.o`));

/** Every file that the native part can be made of. */
export function nativeSources() {
  const folders = [
    '.',
    'fastpath',
    'init',
    'net',
    'rundir',
    'search',
    'src',
    'supervisor',
    'sys',
    'text',
  ];
  return folders.flatMap((folder) =>
    readdirSync(join(addon, folder))
      .filter((name) => /\.(c|cc|h|S|map)$/.test(name) || /^(native|targets)\.mjs$/.test(name))
      .sort()
      .map((name) => join(addon, folder, name)),
  );
}

/** Returns what is wrong with an executable or the addon, as what follows its name; undefined for nothing. */
export function faultOf(file, arch) {
  const { machine, interpreter, libraries, versions } = elfOf(file);
  if (machine !== machines[arch]) return 'is for another processor';
  return interpreter || libraries > 0 || versions ? 'needs a library' : undefined;
}

/** Processor of an ELF file, and whether it names a dynamic linker or a library (PT_INTERP, DT_NEEDED). */
function elfOf(file) {
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
