// Fuzzes what the engine reads of a machine: names of directories and mount points of any bytes, a mountinfo with many odd
// mounts, damaged configuration of the user's tools. `npm run fuzz -- engine [SECONDS] [SEED]`, after `npm run build`. A command
// may succeed or refuse; it may not crash, hang or end with an internal error, and Node, asked now and then, says the same.
// It runs in namespaces of its own (unshare), as their root. A finding prints its seed, which repeats it.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chance } from './chance.mjs';
import { commands, files, pieces } from './engine-seeds.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const wasbox = join(root, 'dist/native', `linux-${process.arch}`, 'wasbox');
const [seconds = '60', seed = '1'] = process.argv.slice(2);
if (!(Number(seconds) > 0)) throw new Error(`invalid duration: ${seconds}`);

if (process.env.WASBOX_FUZZ_INSIDE === undefined) {
  const argv = ['-Urm', process.execPath, fileURLToPath(import.meta.url), seconds, seed];
  const env = { ...process.env, WASBOX_FUZZ_INSIDE: '1' };
  const { status } = spawnSync('unshare', argv, { stdio: 'inherit', env });
  process.exit(status ?? 1);
}

const scratch = fs.mkdtempSync(join(tmpdir(), 'wasbox-fuzz-engine-'));
const hangMs = 60_000;
/** Node is asked of one input in so many: it takes longer than the engine. */
const nodeEach = 12;

const mutate = (text, { below, pick }) => {
  let bytes = Buffer.from(text);
  for (let n = below(6); n > 0; n--) {
    const at = below(bytes.length + 1);
    const piece = below(4) === 0 ? Buffer.from([below(256)]) : Buffer.from(pick(pieces));
    const removed = below(3) === 0 ? below(12) : 0;
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at + removed)];
    bytes = Buffer.concat(below(20) === 0 ? [before] : [before, piece, after]);
  }
  return bytes;
};

/** The name of a directory: any bytes but those two. */
const oddName = ({ below, pick }) => {
  const length = below(8) === 0 ? 200 + below(56) : 1 + below(12);
  const bytes = Array.from({ length }, () => (below(3) === 0 ? below(256) : 97 + below(26)));
  const named = Buffer.concat([
    Buffer.from(pick(['', ' ', '\n', '\\040', '-', '#'])),
    Buffer.from(bytes),
  ]);
  const name = named.filter((byte) => byte !== 0 && byte !== 47).subarray(0, 255);
  return ['', '.', '..'].includes(name.toString()) ? Buffer.from('x') : name;
};

const pathOf = (...parts) =>
  Buffer.concat(
    parts.flatMap((part, n) => [...(n === 0 ? [] : [Buffer.from('/')]), Buffer.from(part)]),
  );

/** Any bytes as an argument of printf(1). */
const octal = (bytes) => [...bytes].map((byte) => `\\0${byte.toString(8)}`).join('');

/** Lines of a shell that read a path of any bytes. The substitution drops newlines at its end. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's
const readPath = 'd=$(printf "%b." "$1"); d=${d%.}';

/** Starts a command in a directory whose name no string of JavaScript holds. */
function start(argv, cwd, home) {
  const script = `${readPath}; cd -- "$d" || exit 99; shift; exec "$@"`;
  const { status, signal, stdout, stderr } = spawnSync(
    'sh',
    ['-c', script, 'sh', octal(cwd), ...argv],
    {
      encoding: 'latin1',
      timeout: hangMs,
      killSignal: 'SIGKILL',
      maxBuffer: 1 << 26,
      env: {
        PATH: '/usr/local/bin:/usr/bin:/bin',
        HOME: home,
        LANG: 'C.UTF-8',
        XDG_STATE_HOME: `${home}/state`,
      },
    },
  );
  return { status, signal, stdout, stderr };
}

/** Returns what no input may lead to; undefined where all is well. */
function faultOf({ status, signal, stderr }) {
  if (signal !== null || status === null) return `ended by ${signal}`;
  if (status > 127) return `status ${status}`;
  const odd = /crashed|internal error|\b(Type|Range|Reference|Syntax|Internal)Error\b|\n {4}at /;
  return odd.test(stderr) ? 'an internal error' : undefined;
}

/** Makes a project with odd names, mounts and damaged files; returns it, its home, and how to drop the mounts. */
function makePlace(random, number) {
  const home = join(scratch, `home-${number}`);
  const project = pathOf(
    home,
    oddName(random),
    ...(random.below(2) === 0 ? [oddName(random)] : []),
  );
  fs.mkdirSync(project, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    if (random.below(3) === 0) continue;
    const path = name.startsWith('~/')
      ? Buffer.from(join(home, name.slice(2)))
      : pathOf(project, name);
    fs.mkdirSync(path.subarray(0, path.lastIndexOf(47)), { recursive: true });
    fs.writeFileSync(path, mutate(text, random));
  }
  const mounts = Array.from({ length: random.below(6) }, () => pathOf(project, oddName(random)));
  const made = mounts.filter((path) => {
    if (fs.existsSync(path)) return false;
    fs.mkdirSync(path);
    const script = `${readPath}; mount -t tmpfs -o size=64k "$2" "$d"`;
    const source = random.pick(['tmpfs', 'a b', 'x\\y', '#', 'n\nl']);
    return spawnSync('sh', ['-c', script, 'sh', octal(path), source]).status === 0;
  });
  const drop = () => {
    for (const path of made)
      spawnSync('sh', ['-c', `${readPath}; umount -l "$d"`, 'sh', octal(path)]);
    spawnSync('sh', ['-c', 'chmod -R u+rwX "$1" 2>/dev/null; rm -rf "$1"', 'sh', home]);
  };
  return { home, project, drop, mounts: made.length };
}

const end = Date.now() + Number(seconds) * 1000;
const sums = { places: 0, commands: 0, succeeded: 0, mounts: 0, compared: 0 };
let found = 0;
/** Root's runs have other subordinate ids each time, which are in the plan's bytes, too. */
const plain = (text) => text.replace(/\b(uid|gid) \d+/g, '$1 N');
const isComparable = (words) => words.includes('--dry-run') && !words.includes('--json');

for (let number = Number(seed); Date.now() < end && found < 20; number++) {
  const random = chance(number);
  const { home, project, drop, mounts } = makePlace(random, number);
  sums.places += 1;
  sums.mounts += mounts;
  for (let n = 0; n < 8 && Date.now() < end; n++) {
    const words = random.pick(commands);
    const result = start([wasbox, ...words], project, home);
    sums.commands += 1;
    if (result.status === 0) sums.succeeded += 1;
    let fault = result.status === 99 ? 'the directory is gone' : faultOf(result);
    if (fault === undefined && isComparable(words) && random.below(nodeEach) === 0) {
      const other = start([process.execPath, join(root, 'dist/cli.js'), ...words], project, home);
      sums.compared += 1;
      for (const part of ['status', 'stdout', 'stderr'])
        if (plain(`${result[part]}`) !== plain(`${other[part]}`))
          fault = `${part} is another in Node: ${JSON.stringify(other[part]).slice(0, 600)}`;
    }
    if (fault === undefined) continue;
    found += 1;
    console.log(`seed ${number}, ${JSON.stringify(words)} in ${JSON.stringify(project.toString('latin1'))}: ${fault}
  ${result.status} ${JSON.stringify(result.stderr.slice(0, 600))} ${JSON.stringify(result.stdout.slice(0, 200))}`);
  }
  drop();
}
fs.rmSync(scratch, { recursive: true, force: true });
console.log(JSON.stringify(sums));
console.log(found === 0 ? 'nothing found' : `${found} findings`);
process.exitCode = found === 0 && sums.succeeded > 0 ? 0 : 1;
