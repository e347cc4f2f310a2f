// `npm run build`, which `npm ci` runs: builds everything. What depends on nothing else is built beside each other, and
// each part is left as it is where its sources did not change. With --fetch, as in `npm ci`, the engine's sources are
// fetched where they are missing, but for `npm ci --offline`.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs a script of package.json, or of a file; its output comes at its end. */
function run(argv) {
  return new Promise((resolve, reject) => {
    const pieces = [];
    const child = spawn(argv[0], argv.slice(1), { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (piece) => pieces.push(piece));
    child.on('error', reject);
    child.on('close', (status) => {
      process.stdout.write(Buffer.concat(pieces));
      if (status === 0) resolve();
      else reject(new Error(`${argv.slice(1).join(' ')} ended with ${status}`));
    });
  });
}

const fetches = process.argv[2] === '--fetch' && process.env.npm_config_offline !== 'true';
/** The seconds that a network which does not answer may take of a build. */
const within = '60';
const fetched = fetches
  ? run([process.execPath, 'addon/engine/fetch.mjs', '--within', within])
  : Promise.resolve();

/** The longest first; the engine is linked with the policy core. */
const first = [
  [[process.execPath, 'addon/build.mjs']],
  [
    [process.execPath, 'wasm-core/build.mjs'],
    [process.execPath, 'addon/engine/objects.mjs'],
  ],
  [['npm', 'run', '--silent', 'build:types']],
];

const worker = async () => {
  for (let part = first.shift(); part !== undefined; part = first.shift())
    for (const argv of part) {
      if (argv.includes('addon/engine/objects.mjs')) await fetched;
      await run(argv);
    }
};

try {
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  await run([process.execPath, 'src/build.mjs']);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
