/**
 * wasbox in each Node that it supports, from npm's builds of Node, as packed and installed by npm:
 *
 *     npm run nightly -- versions [VERSION…]        by default 20 22 24 26, and the oldest supported 20 and 22
 *
 * Prints what works in each (check.mjs); ends with 1 if something does not. Downloads some 60 MB for each version. As an
 * ordinary user in that user's home; root uses /var/tmp.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const usual = ['20.18.0', '20', '22.3.0', '22', '24', '26'];
const versions = process.argv.length > 2 ? process.argv.slice(2) : usual;
const home = process.getuid() === 0 ? '/var/tmp' : homedir();
const work = fs.mkdtempSync(join(home, 'wasbox-versions-'));

const npm = (cwd, ...args) => {
  fs.writeFileSync(join(cwd, 'package.json'), '{"private":true,"type":"module"}');
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--silent'];
  return execFileSync('npm', [...args, ...quiet], { cwd, encoding: 'utf8' });
};

const [{ filename }] = JSON.parse(
  execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', work], {
    cwd: root,
    encoding: 'utf8',
  }),
);

let failed = 0;
for (const version of versions) {
  const tools = join(work, `node-${version}`);
  const project = join(work, `project-${version}`);
  for (const directory of [tools, project]) fs.mkdirSync(directory);
  npm(tools, 'install', `node-linux-${process.arch}@${version}`);
  npm(project, 'install', join(work, filename));
  const node = join(tools, `node_modules/node-linux-${process.arch}/bin/node`);
  console.log(execFileSync(node, ['--version'], { encoding: 'utf8' }).trim());
  fs.copyFileSync(join(root, 'test/versions/check.mjs'), join(project, 'check.mjs'));
  const { status } = spawnSync(node, ['check.mjs', join(root, 'docs/examples')], {
    cwd: project,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) failed += 1;
}
execFileSync('chmod', ['-R', 'u+rwX', work]);
fs.rmSync(work, { recursive: true });
console.log(`${versions.length - failed} of ${versions.length} versions work`);
process.exitCode = failed === 0 ? 0 : 1;
