/**
 * CPython's own tests, module by module: outside, in a sandbox of namespaces, and in one of Landlock. How each ends is
 * compared: the exit status, how many tests ran, and which of them failed.
 *
 *     npm run nightly -- cpython [MODULE…]
 *
 * Prints a line a module; ends with 1 if one ends otherwise than modules.mjs says. Needs Debian's python3 and
 * libpython3.13-testsuite, and a built checkout. As root it tries wasbox as root: run it as an ordinary user, too.
 */
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { modules } from './modules.mjs';

const python = '/usr/bin/python3';
const wasbox = resolve(fileURLToPath(new URL('../../dist/bin/wasbox.bin', import.meta.url)));
/** A module that takes longer has hung; one that is known to end otherwise may wait for what it lacks. */
const LIMIT = '15m';
const KNOWN_LIMIT = '1m';
/** A module that ends otherwise is run again: several of CPython's tests depend on time. */
const TRIES = 3;

const home = process.getuid() === 0 ? '/var/tmp' : homedir();
const work = fs.mkdtempSync(join(home, 'wasbox-cpython-'));
const ways = {
  outside: [],
  namespaces: [wasbox, 'run', '--quiet', '--isolation', 'namespaces', '--'],
  landlock: [wasbox, 'run', '--quiet', '--isolation', 'landlock', '--'],
};

/** How a module ended, in words that have no times and no places; undefined where it was ended by the limit. */
function endingOf(status, output) {
  if (status === 124 || status === 137) return undefined;
  const ran = /^Ran (\d+) tests? in /m.exec(output)?.[1];
  const failed = [...output.matchAll(/^(?:FAIL|ERROR): (\S+ \([^)\n]*\))/gm)].map(
    ([, name]) => name,
  );
  return JSON.stringify({ status, ran, failed: [...new Set(failed)].sort() });
}

async function run(name, way) {
  const project = fs.mkdtempSync(join(work, `${way}-`));
  const limit = modules[name][way] === undefined ? LIMIT : KNOWN_LIMIT;
  const argv = [...ways[way], python, '-m', 'unittest', '-v', `test.${name}`];
  const child = spawn('timeout', ['-k', '10', limit, ...argv], {
    cwd: project,
    env: {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      HOME: home,
      LANG: 'C.UTF-8',
      TERM: 'xterm',
      XDG_STATE_HOME: join(work, 'state'),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const parts = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => parts.push(data));
  const status = await new Promise((done) => child.on('close', done));
  const output = Buffer.concat(parts).toString('latin1');
  if (process.env.CPYTHON_OUTPUT !== undefined)
    fs.writeFileSync(join(process.env.CPYTHON_OUTPUT, `${name}.${way}`), output);
  return endingOf(status, output);
}

/** Another end than outside, after a few tries; undefined where it ends alike. */
async function otherEnding(name, way, outside) {
  let inside;
  for (let tried = 0; tried < TRIES; tried++) {
    inside = await run(name, way);
    if (inside !== undefined && outside.has(inside)) return undefined;
    if (modules[name][way] !== undefined) break;
    const again = await run(name, 'outside');
    if (again !== undefined) outside.add(again);
    if (inside !== undefined && outside.has(inside)) return undefined;
  }
  return inside ?? 'does not end in time';
}

const counts = { namespaces: 0, landlock: 0 };
let unexpected = 0;

async function compare(name) {
  const first = await run(name, 'outside');
  const outside = new Set(first === undefined ? [] : [first]);
  for (const way of ['namespaces', 'landlock']) {
    const other = await otherEnding(name, way, outside);
    const reason = modules[name][way];
    if (other === undefined) counts[way]++;
    if ((other === undefined) === (reason === undefined)) {
      console.log(`ok     ${name} ${way}${reason === undefined ? '' : `: ${reason}`}`);
      continue;
    }
    unexpected++;
    console.log(
      other === undefined
        ? `FAILED ${name} ${way}: ends as outside, but modules.mjs says: ${reason}`
        : `FAILED ${name} ${way}: ${other}\n       outside: ${[...outside].join(' or ') || 'does not end in time'}`,
    );
  }
}

const known = Object.keys(modules);
const wanted = process.argv.length > 2 ? process.argv.slice(2) : known;
const queue = wanted.map((name) => {
  if (!known.includes(name)) throw new Error(`${name}: not in modules.mjs`);
  return name;
});
try {
  const worker = async () => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) await compare(name);
  };
  await Promise.all([worker(), worker()]);
} finally {
  spawn('chmod', ['-R', 'u+rwX', work]).on('close', () => fs.rmSync(work, { recursive: true }));
}
for (const [way, count] of Object.entries(counts))
  console.log(`${way}: ${count} of ${wanted.length} modules end as outside`);
process.exitCode = unexpected === 0 ? 0 : 1;
