// A whole Debian as an image: made by mmdebstrap and umoci, a second layer with changes and whiteouts, put into a registry by
// skopeo; pulled from there, and imported from an OCI layout, an oci-archive and a docker-archive. Each time the tree has to
// be umoci's: byte, mode and link. `npm run nightly -- image-store` (mmdebstrap, umoci, skopeo, docker-registry; minutes), after
// `npm run build`. mmdebstrap uses the mirror that apt is set up with.
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
const scratch = fs.mkdtempSync(join(tmpdir(), 'wasbox-debian-image-'));
fs.chmodSync(scratch, 0o755);
await build({
  stdin: {
    contents: `export * from './test/support/images.ts'; export * from './test/support/image-registry.ts';`,
    resolveDir: root,
  },
  bundle: true,
  format: 'esm',
  platform: 'node',
  outfile: join(scratch, 'support.mjs'),
  logLevel: 'error',
  banner: {
    js: `import { createRequire } from 'node:module';const require=createRequire(import.meta.url);`,
  },
});
const { overlaid, realRegistry, umociTree } = await import(
  pathToFileURL(join(scratch, 'support.mjs'))
);

const run = (file, ...args) =>
  execFileSync(file, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
const place = (name) => {
  fs.mkdirSync(join(scratch, name));
  return join(scratch, name);
};

const [given] = process.argv.slice(2);
const base = given ?? join(scratch, 'base.tar');
if (given === undefined)
  run('mmdebstrap', '--variant=minbase', '--include=python3', 'trixie', base);
const layout = join(scratch, 'layout');
const umoci = (...args) => run('umoci', ...args);
umoci('init', '--layout', layout);
umoci('new', '--image', `${layout}:test`);
umoci('raw', 'add-layer', '--image', `${layout}:test`, base);
const bundle = join(scratch, 'changed');
umoci('unpack', '--rootless', '--image', `${layout}:test`, bundle);
const inside = join(bundle, 'rootfs');
fs.rmSync(join(inside, 'usr/share/doc'), { recursive: true });
fs.mkdirSync(join(inside, 'usr/share/doc'));
fs.writeFileSync(join(inside, 'usr/share/doc/new'), 'new');
fs.rmSync(join(inside, 'usr/share/common-licenses'), { recursive: true });
fs.linkSync(join(inside, 'etc/passwd'), join(inside, 'etc/passwd-again'));
fs.symlinkSync('/etc', join(inside, 'elsewhere'));
umoci('repack', '--image', `${layout}:test`, bundle);
const expected = umociTree(layout, place('umoci'));
console.log(`umoci: ${Object.keys(expected).length} files`);

const wasbox = (state, ...args) =>
  execFileSync(process.execPath, [join(root, 'dist/cli.cjs'), 'image', ...args], {
    env: { ...process.env, XDG_STATE_HOME: state },
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });

let failed = false;
function compare(name, verb, ref) {
  const state = place(`state-${name}`);
  wasbox(state, verb, '--quiet', ref);
  const [{ id }] = JSON.parse(wasbox(state, 'ls', '--json')).images;
  const { unpacked } = JSON.parse(wasbox(state, 'inspect', id)).images[0];
  const tree = overlaid(
    unpacked.map(({ directory }) => join(directory, 'fs')),
    place(`seen-${name}`),
  );
  const left = new Set(unpacked.flatMap(({ notes }) => notes.leftOut.paths));
  const names = new Set([...Object.keys(tree), ...Object.keys(expected)]);
  const other = [...names].filter(
    (path) => tree[path] !== expected[path] && !left.has(path.slice(1)),
  );
  for (const path of other.slice(0, 10))
    console.log(`  ${path}: ${tree[path]} instead of ${expected[path]}`);
  console.log(
    `${name}: ${Object.keys(tree).length} files, ${other.length} differ, ${left.size} devices left out`,
  );
  failed ||= other.length > 0 || Object.keys(tree).length < 1000;
}

compare('layout', 'import', `oci:${layout}:test`);
run('tar', '-C', layout, '-cf', join(scratch, 'oci.tar'), '.');
compare('oci-archive', 'import', join(scratch, 'oci.tar'));
run(
  'skopeo',
  'copy',
  `oci:${layout}:test`,
  `docker-archive:${join(scratch, 'docker.tar')}:debian:test`,
);
compare('docker-archive', 'import', join(scratch, 'docker.tar'));
const registry = await realRegistry({ storage: place('storage'), scratch: place('registry') });
run(
  'skopeo',
  'copy',
  '--dest-tls-verify=false',
  `oci:${layout}:test`,
  `docker://${registry.host}/debian:test`,
);
compare('registry', 'pull', `${registry.host}/debian:test`);
await registry.stop();
run('chmod', '-R', 'u+rwX', scratch);
fs.rmSync(scratch, { recursive: true });
process.exit(failed ? 1 : 0);
