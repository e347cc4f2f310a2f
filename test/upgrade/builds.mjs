// Two versions of wasbox for run.mjs: the build of this checkout, and one of its sources with a higher version and higher
// versions of what it saves.
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const checkout = fileURLToPath(new URL('../..', import.meta.url));

/** A file of the newer version, with what is replaced in it. */
const raised = [
  ['package.json', /"version": "[^"]*"/, '"version": "99.0.0"'],
  ['src/version.ts', /'[\d.]+'/, "'99.0.0'"],
  ['src/changes/model/run.ts', /recordVersion = 1;/, 'recordVersion = 2;'],
];

function packageOf(from, to) {
  fs.mkdirSync(to);
  for (const name of ['dist', 'package.json'])
    fs.cpSync(join(from, name), join(to, name), { recursive: true });
  return to;
}

/** Returns the directory of the package of this checkout's build, copied. */
export const olderBuild = (work) => packageOf(checkout, join(work, 'older'));

/** Returns the directory of the newer version's package. */
export function newerBuild(work) {
  const place = join(work, 'checkout');
  const listed = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const names = execFileSync('git', listed, { cwd: checkout, encoding: 'utf8' }).split('\0');
  for (const name of names.filter((one) => one !== '' && fs.existsSync(join(checkout, one))))
    fs.cpSync(join(checkout, name), join(place, name));
  for (const name of ['wasbox-core.wasm', 'wasbox-core.wasm.hash'])
    fs.cpSync(join(checkout, 'dist', name), join(place, 'dist', name));
  fs.symlinkSync(join(checkout, 'node_modules'), join(place, 'node_modules'));
  for (const [name, before, after] of raised) {
    const text = fs.readFileSync(join(place, name), 'utf8');
    if (!before.test(text)) throw new Error(`${name} has no ${before}`);
    fs.writeFileSync(join(place, name), text.replace(before, after));
  }
  const how = { cwd: place, stdio: ['ignore', 'ignore', 'inherit'] };
  for (const words of [['addon/build.mjs'], ['src/build.mjs']])
    execFileSync(process.execPath, words, how);
  const built = packageOf(place, join(work, 'newer'));
  fs.rmSync(place, { recursive: true });
  return built;
}
