// `npm run build:types`: the types of the sources, in dist/types; and what is left there of sources that are gone is removed,
// since all of dist is published. What a program imports must say nothing that TypeScript before 5.7 does not know: the
// compiler writes the default of a type argument out where it infers a type, so that type is to be declared.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const types = join(root, 'dist/types');

const tsc = [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.tsconfig.build.json'];
const { status } = spawnSync(process.execPath, tsc, { cwd: root, stdio: 'inherit' });
process.exitCode = status ?? 1;
for (const name of status !== 0 ? [] : readdirSync(types, { recursive: true, encoding: 'utf8' })) {
  const source = join(root, 'src', name.replace(/\.d\.ts$/, '.ts'));
  if (!existsSync(source)) rmSync(join(types, name), { recursive: true, force: true });
}

/** Declarations that a program reads, from the entries of package.json. */
const reached = new Set();
function reach(file) {
  if (reached.has(file)) return;
  reached.add(file);
  const text = readFileSync(file, 'utf8');
  const newer = /^.*\w+Array<ArrayBuffer.*$/m.exec(text.replace(/\/\*.*?\*\//gs, ''));
  if (newer !== null) {
    console.error(`${file}: declare this type: ${newer[0].trim()}`);
    process.exitCode = 1;
  }
  for (const [, name] of text.matchAll(/(?:from |import\()'(\.[^']*)\.js'/g))
    reach(join(dirname(file), `${name}.d.ts`));
}

const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
if (status === 0)
  for (const entry of Object.values(exports)) if (entry.types) reach(join(root, entry.types));
