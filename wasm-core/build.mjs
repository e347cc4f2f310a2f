// Builds the policy core: dist/wasbox-core.wasm from the C sources with the pinned clang of
// @yowasp/clang, and the two TypeScript files that follow from the sources:
//   src/core/layout.generated.ts     offsets and codes, from include/wasbox_core.h
//   src/policy/builtin.generated.ts  built-in policies
// Compiles only where a source, this file or the compiler changed. `--check` writes nothing and
// exits with 1 where a generated TypeScript file is out of date; `--out FILE` builds to elsewhere.
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { renderLayout } from './layout.mjs';

const core = dirname(fileURLToPath(import.meta.url));
const root = join(core, '..');
const option = (name) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
};
const check = process.argv.includes('--check');
const out = option('--out') ?? join(root, 'dist', 'wasbox-core.wasm');

const flags = [
  ...['--target=wasm32-wasip1', '-mexec-model=reactor', '-std=c17', '-Oz', '-flto'],
  ...['-Iinclude', '-Isyscalls'],
  ...['-Wall', '-Wextra', '-Werror', '-fno-ident'],
  ...['-Wl,--strip-all', '-Wl,--gc-sections', '-Wl,--lto-O3', '-Wl,-mllvm,-enable-merge-functions'],
  // The stack lies below the data, so that an overflow traps instead of overwriting.
  ...['-Wl,--stack-first', '-Wl,-z,stack-size=1048576'],
];

/** Files of a folder by name, sorted, with their bytes. */
function folder(name, pattern) {
  const names = readdirSync(join(core, name)).filter((file) => pattern.test(file));
  return Object.fromEntries(
    names.sort().map((file) => [file, readFileSync(join(core, name, file))]),
  );
}

const tree = {
  include: folder('include', /\.h$/),
  src: folder('src', /\.[ch]$/),
  syscalls: folder('syscalls', /\.[ch]$/),
};
const units = ['src', 'syscalls'].flatMap((name) =>
  Object.keys(tree[name])
    .filter((file) => file.endsWith('.c'))
    .map((file) => `${name}/${file}`),
);

function write(path, text) {
  const before = existsSync(path) ? readFileSync(path, 'utf8') : '';
  if (before === text) return;
  if (check) {
    console.error(`out of date: ${relative(root, path)} (run: npm run build:core)`);
    process.exitCode = 1;
    return;
  }
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function renderBuiltin() {
  const files = folder('policies', /\.policy$/);
  const quote = (text) => `\`${text.replaceAll(/[\\`$]/g, '\\$&')}\``;
  const entries = Object.entries(files).map(
    ([name, bytes]) => `  '${name.replace(/\.policy$/, '')}': ${quote(bytes.toString())},\n`,
  );
  return `/**
 * The built-in policies.
 * Written by wasm-core/build.mjs from wasm-core/policies; do not edit.
 */
export const builtinPolicies: Readonly<Record<string, string>> = {
${entries.join('')}};
`;
}

async function compile() {
  const compiler = JSON.parse(
    readFileSync(join(root, 'node_modules', '@yowasp', 'clang', 'package.json'), 'utf8'),
  ).version;
  const hash = createHash('sha256').update(compiler).update(flags.join(' '));
  for (const [name, files] of Object.entries(tree))
    for (const [file, bytes] of Object.entries(files))
      hash.update(`${name}/${file}\0`).update(bytes);
  const wanted = hash.digest('hex');
  const stamp = `${out}.hash`;
  if (existsSync(out) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  const { runClang } = await import('@yowasp/clang');
  const messages = [];
  const collect = (bytes) => {
    if (bytes !== null) messages.push(Buffer.from(bytes));
  };
  try {
    const result = await runClang(
      ['clang', ...flags, '-o', 'wasbox-core.wasm', ...units],
      structuredClone(tree),
      { stdout: collect, stderr: collect },
    );
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(`${out}.new`, result['wasbox-core.wasm']);
    renameSync(`${out}.new`, out);
    writeFileSync(stamp, wanted);
  } catch (error) {
    // The error carries the whole source tree: say what the compiler said instead.
    console.error(Buffer.concat(messages).toString() || error.message);
    process.exit(1);
  }
}

write(
  join(root, 'src', 'core', 'layout.generated.ts'),
  renderLayout(tree.include['wasbox_core.h'].toString(), tree.syscalls['tables.h'].toString()),
);
write(join(root, 'src', 'policy', 'builtin.generated.ts'), renderBuiltin());
if (!check) await compile();
