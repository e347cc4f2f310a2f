// Makes dist/cli-main.V8-PROCESSOR.cache: runs the bundle once, then takes the code that V8 has compiled by then.
// Started by build.mjs in a process of its own: `node code-cache.mjs DIST`. A build machine that
// cannot start a sandbox makes a smaller cache, which works all the same.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Script } from 'node:vm';

const [, , dist = ''] = process.argv;
const filename = join(dist, 'cli-main.cjs');
const script = new Script(readFileSync(filename, 'latin1'), { filename });

// The build ignores what the command says about a machine without sandboxes.
const work = mkdtempSync(join(tmpdir(), 'wasbox-build-'));
const [project, state] = ['project', 'state'].map((name) => join(work, name));
for (const directory of [project, state]) mkdirSync(directory);
process.env.XDG_STATE_HOME = state;
process.chdir(project);
process.argv = [process.execPath, filename, 'run', '-q', '--discard', '--', 'true'];
process.on('exit', () => {
  process.chdir(tmpdir());
  rmSync(work, { recursive: true, force: true });
  const name = `cli-main.${process.versions.v8}-${process.arch}.cache`; // as in src/cli/boot.cjs
  writeFileSync(join(dist, name), script.createCachedData());
  process.exitCode = 0;
});
script.runInThisContext()(createRequire(filename), filename, { exports: {} });
