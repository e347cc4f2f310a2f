// Fuzzes what reads images: tar archives with hostile names, links, whiteouts and sparse files, damaged byte by byte,
// stacked as layers; and manifests, indexes and configurations, damaged as JSON. An image may be stored or refused with an
// ImageError, and nothing else; nothing outside the store may change, nothing half made may be left, and a stored layer has
// no devices but whiteouts and no set-id files. `node test/fuzz/images.mjs [SECONDS] [SEED]`, after `npm run build`.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { pack } from 'tar-stream';
import { chance } from './chance.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const [seconds = '60', seed = '1'] = process.argv.slice(2);
if (!(Number(seconds) > 0)) throw new Error(`invalid duration: ${seconds}`);

const scratch = fs.mkdtempSync(join(tmpdir(), 'wasbox-fuzz-images-'));
process.env.WASBOX_NATIVE_DIR = join(root, 'dist/native');
await build({
  stdin: {
    contents: `export { ensureImage, pruneImages } from './src/image-store/index.ts';
      export { openStore, removeDirectory } from './src/changes/index.ts';
      export { ImageError, UsageError } from './src/errors/index.ts';
      export { loadNative } from './src/native/index.ts';`,
    resolveDir: root,
  },
  bundle: true,
  format: 'esm',
  platform: 'node',
  outfile: join(scratch, 'images.mjs'),
  logLevel: 'error',
  banner: {
    js: `import { createRequire } from 'node:module';const require=createRequire(import.meta.url);`,
  },
});
const { ensureImage, pruneImages, openStore, removeDirectory, ImageError, loadNative } =
  await import(pathToFileURL(join(scratch, 'images.mjs')));
const { native } = loadNative();

const { below, pick, state } = chance(seed);

const outside = join(scratch, 'outside');
fs.mkdirSync(outside);
fs.writeFileSync(join(outside, 'file'), 'mine', { mode: 0o600 });
fs.mkdirSync(join(scratch, 'state'), { mode: 0o700 });
const store = openStore(native, { directory: join(scratch, 'state') });
const layout = join(scratch, 'layout');

/** Everything outside the store and the layout, with times: what an escape would change. */
function outsideState() {
  const found = [];
  const visit = (path) => {
    const stat = fs.lstatSync(path);
    found.push([path, stat.mode, stat.size, stat.mtimeMs, stat.nlink, stat.ino].join(' '));
    if (stat.isDirectory()) for (const name of fs.readdirSync(path).sort()) visit(join(path, name));
  };
  visit(outside);
  return JSON.stringify([found, fs.readdirSync(scratch).sort()]);
}

// Mostly names that are right, so that most images get far.
const names = ['a', 'b', 'd', 'l', '.', '.wh.a', '.wh.l', '.wh..wh..opq', 'x'.repeat(120), 'é'];
const odd = ['..', '', '.wh.', '.wh...', '.wh..', 'x'.repeat(256)];
const parts = () => (below(60) === 0 ? pick(odd) : pick(names));
const path = () => Array.from({ length: 1 + below(4) }, parts).join('/');
const target = () =>
  pick([
    path,
    path,
    path,
    path,
    () => outside,
    () => `${'../'.repeat(below(12))}${path()}`,
    () => `/${path()}`,
    () => join(outside, 'file'),
  ])();
const types = [
  'file',
  'file',
  'directory',
  'directory',
  'symlink',
  'symlink',
  'link',
  'fifo',
  'character-device',
  'block-device',
];

let made = [];

function item() {
  const type = pick(types);
  const name = pick([
    path,
    path,
    path,
    () => `/${path()}`,
    () => join(outside, 'new'),
    path,
    () => 'p/'.repeat(below(8) === 0 ? below(900) : below(40)),
  ])();
  const header = {
    type,
    name,
    mode: pick([0o644, 0o755, 0, 0o7777, 0o4755]),
    uid: below(3),
    gid: below(70000),
  };
  if (type === 'symlink') header.linkname = target() || 'x';
  // The target is mostly a file that is there.
  if (type === 'link') header.linkname = below(8) === 0 ? target() || 'x' : (pick(made) ?? 'x');
  if (type === 'file') made.push(name);
  if (below(25) === 0) {
    header.pax = pick([
      { path: path() || 'p' },
      { linkpath: target() || 'p' },
      { size: String(below(3000)) },
      { mtime: pick(['-5.5', '99999999999999', 'x']) },
      { uid: pick(['-1', '1', '99999999999999999999']) },
      {
        'GNU.sparse.major': '1',
        'GNU.sparse.minor': '0',
        'GNU.sparse.realsize': String(below(1 << 20)),
        'GNU.sparse.name': path() || 'p',
      },
      {
        'GNU.sparse.map': `${below(9)},${below(9)},${below(99)},1`,
        'GNU.sparse.size': String(below(200)),
      },
      { 'SCHILY.xattr.user.overlay.opaque': 'y' },
      { 'SCHILY.xattr.user.x': 'y' },
      { 'SCHILY.xattr.security.capability': 'y' },
    ]);
  }
  return [header, type === 'file' ? 'data'.repeat(below(500)) : ''];
}

async function madeTar() {
  const archive = pack();
  const chunks = [];
  const read = (async () => {
    for await (const chunk of archive) chunks.push(chunk);
  })();
  made = [];
  for (let n = below(12); n > 0; n--) {
    const [header, data] = item();
    archive.entry({ mtime: new Date(0), ...header, name: header.name || 'x' }, data);
  }
  archive.finalize();
  await read;
  return Buffer.concat(chunks);
}

/** GNU tar's own, with long names and holes. */
function gnuTars() {
  const directory = join(scratch, 'gnu');
  fs.mkdirSync(join(directory, 'n'.repeat(120)), { recursive: true });
  fs.writeFileSync(join(directory, 'n'.repeat(120), 'm'.repeat(120)), 'long');
  const fd = fs.openSync(join(directory, 'holes'), 'w');
  for (let i = 0; i < 30; i++) fs.writeSync(fd, 'data', i * 16384);
  fs.ftruncateSync(fd, 1 << 20);
  fs.closeSync(fd);
  const tar = (...options) =>
    execFileSync('tar', ['-C', directory, ...options, '-cf', '-', '.'], { maxBuffer: 1 << 26 });
  return [
    tar('--format=gnu', '-S'),
    ...['0.0', '0.1', '1.0'].map((one) => tar('--format=posix', '-S', `--sparse-version=${one}`)),
    tar('--format=gnu'),
    tar('--format=v7', '--exclude=n*'),
  ];
}
const seeds = gnuTars();

function fixChecksum(bytes, at) {
  bytes.fill(0x20, at + 148, at + 156);
  let sum = 0;
  for (let i = at; i < at + 512; i++) sum += bytes[i];
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
}

/** Changes fields of headers, mostly with a right checksum. */
function damaged(bytes) {
  const out = Buffer.from(bytes);
  if (below(3) > 0 || out.length < 512) return out;
  for (let n = 1 + below(5); n > 0; n--) {
    const block = below(Math.max(1, Math.floor(out.length / 512))) * 512;
    const field = pick([
      0,
      100,
      108,
      116,
      124,
      136,
      156,
      156,
      157,
      257,
      345,
      386,
      482,
      483,
      below(512),
    ]);
    const value = pick([
      0,
      0x20,
      0x2f,
      0x30,
      0x31,
      0x35,
      0x37,
      0x4b,
      0x4c,
      0x53,
      0x67,
      0x78,
      0x80,
      0xff,
      below(256),
    ]);
    const length = pick([1, 1, 1, 4, 12]);
    for (let i = 0; i < length; i++)
      if (block + field + i < out.length) out[block + field + i] = value;
    if (below(5) > 0 && block + 512 <= out.length) fixChecksum(out, block);
  }
  return below(10) === 0 ? out.subarray(0, below(out.length)) : out;
}

const digestOf = (bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
function blob(bytes) {
  const digest = digestOf(bytes);
  fs.mkdirSync(join(layout, 'blobs/sha256'), { recursive: true });
  fs.writeFileSync(join(layout, 'blobs/sha256', digest.slice(7)), bytes);
  return { digest, size: bytes.length };
}

const values = [
  '0',
  '-1',
  '1e99',
  'null',
  '[]',
  '{}',
  '"x"',
  '""',
  '"sha256:00"',
  '"../../x"',
  '[[]]',
  'true',
  '"\\u0000"',
  '9007199254740993',
];
/** JSON with a value or a key replaced, removed or doubled; sometimes no JSON. */
function damagedJson(value) {
  let text = JSON.stringify(value);
  if (below(8) > 0) return Buffer.from(text);
  for (let n = 1 + below(3); n > 0; n--) {
    const spots = [...text.matchAll(/"(?:[^"\\]|\\.)*"|-?\d+|\[|\{/g)];
    const spot = pick(spots);
    if (spot === undefined) break;
    const end = spot.index + spot[0].length;
    text = text.slice(0, spot.index) + pick([...values, spot[0].repeat(2)]) + text.slice(end);
  }
  return Buffer.from(text);
}

async function makeLayout() {
  fs.rmSync(layout, { recursive: true, force: true });
  fs.mkdirSync(layout);
  const layers = [];
  for (let n = 1 + below(3); n > 0; n--) {
    layers.push(damaged(below(4) === 0 ? pick(seeds) : await madeTar()));
  }
  const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
  const config = damagedJson({
    architecture,
    os: 'linux',
    config: {
      Env: ['A=1'],
      Cmd: ['sh'],
      WorkingDir: '/',
      Volumes: { '/v': {} },
      Labels: { a: 'b' },
    },
    rootfs: { type: 'layers', diff_ids: layers.map(digestOf) },
  });
  const manifest = damagedJson({
    schemaVersion: 2,
    config: blob(config),
    layers: layers.map(blob),
  });
  let entry = blob(manifest);
  for (let n = below(8) === 0 ? 1 + below(20) : 0; n > 0; n--) {
    entry = blob(
      damagedJson({ manifests: [{ ...entry, platform: { os: 'linux', architecture } }] }),
    );
  }
  fs.writeFileSync(join(layout, 'index.json'), damagedJson({ manifests: [entry] }));
}

/** Returns what `use` returns with the directory open to its owner: an image's modes may close it. */
function opened(directory, use) {
  const { mode } = fs.lstatSync(directory);
  fs.chmodSync(directory, mode | 0o700);
  try {
    return use();
  } finally {
    fs.chmodSync(directory, mode & 0o7777);
  }
}

/** Returns what of a stored layer must not be; undefined where all is well. `directory` as bytes. */
const wrongLayer = (directory) => opened(directory, () => wrongMember(directory));

function wrongMember(directory) {
  for (const name of fs.readdirSync(directory, { encoding: 'buffer' })) {
    const own = Buffer.concat([directory, Buffer.from('/'), name]);
    const stat = fs.lstatSync(own);
    if (stat.isBlockDevice() || stat.isSocket()) return `a device: ${own}`;
    if (stat.isCharacterDevice() && stat.rdev !== 0) return `a device: ${own}`;
    if (stat.isFile() && (stat.mode & 0o6000) !== 0) return `a set-id file: ${own}`;
    if (stat.uid !== process.getuid()) return `another user's file: ${own}`;
    const found = stat.isDirectory() ? wrongLayer(own) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

// Node exits with 13 where nothing is left to wait for, and the image is neither stored nor refused.
process.on('exit', (code) => {
  if (code === 13) console.error(`seed ${seed}: reading does not end; the image: ${layout}`);
});
const expected = new Set(['ERR_IMAGE', 'ERR_IMAGE_LIMIT', 'ERR_IMAGE_NOT_FOUND']);
fs.mkdirSync(layout);
const before = outsideState();
const end = Date.now() + Number(seconds) * 1000;
const reasons = new Map();
const counts = { stored: 0, refused: 0 };
for (let round = 1; Date.now() < end; round++) {
  const started = state();
  const finding = (what) => {
    console.error(`round ${round} of seed ${seed} (state ${started}): ${what}`);
    console.error(`the image: ${layout}`);
    process.exit(1);
  };
  await makeLayout();
  const begin = process.cpuUsage();
  try {
    const limits = { bytes: 8 << 20, entries: 2000 };
    const { lowers } = await ensureImage(`oci:${layout}`, { store, limits });
    counts.stored += 1;
    for (const lower of lowers) {
      const wrong = wrongLayer(Buffer.from(lower));
      if (wrong !== undefined) finding(wrong);
    }
  } catch (error) {
    if (!(error instanceof ImageError) || !expected.has(error.code)) finding(error.stack);
    counts.refused += 1;
    const reason = error.message.replace(`oci:${layout}: invalid image: `, '').slice(0, 36);
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  const { user, system } = process.cpuUsage(begin);
  if (user + system > 20_000_000) finding('it took too long');
  if (outsideState() !== before) finding('something outside the store has changed');
  if (fs.readdirSync(join(store.directory, 'images/making')).length > 0)
    finding('something half made is left');
  if (round % 200 === 0) await pruneImages(store, true);
}
console.log(
  `images: ${counts.stored} stored, ${counts.refused} refused, no finding in ${seconds} s (seed ${seed})`,
);
for (const [reason, count] of [...reasons].sort(([, a], [, b]) => b - a).slice(0, 25)) {
  console.log(`${String(count).padStart(7)}  ${reason}`);
}
removeDirectory(native, scratch);
