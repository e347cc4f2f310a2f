// `npm run build:types`: the types of the sources, in dist/types; and what is left there of sources that are gone is removed,
// since all of dist is published.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
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
