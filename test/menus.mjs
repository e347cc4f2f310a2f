// The names behind `npm run nightly`, `npm run bench` and `npm run fuzz` (menu.mjs).
const node = (...argv) => [process.execPath, ...argv];
const suite = (name) => node(`test/${name}/run.mjs`);
const release = ['npm', 'run', '--silent', 'release'];
const launches = node('test/run.mjs', '--project=launch*');
/** Runs the file once: what fails by chance fails. */
const integration = (name) =>
  node(
    'node_modules/vitest/vitest.mjs',
    ...['run', '--config', 'test/vitest.config.ts', `test/integration/${name}.test.ts`],
  );

/** Lists by menu and name: a line about it, its commands in order, and variables of theirs. */
export const menus = {
  nightly: {
    vm: ['other kernels, in a virtual machine', [suite('vm')]],
    versions: ['other versions of Node', [suite('versions')]],
    distros: ['a release on other distributions', [release, suite('distros')]],
    arm64: ['a release on emulated arm64', [release, suite('arm64')]],
    release: ['a release in a clean root, twice, installed', [suite('release')]],
    installed: [
      "the launch tests with a release's package",
      [release, node('test/release/installed.mjs')],
    ],
    upgrade: ['an upgrade and a downgrade with saved state', [suite('upgrade')]],
    fresh: ["the README's commands on a fresh machine", [suite('fresh')]],
    fastpath: [
      'the launch tests, each start recorded and repeated',
      [launches],
      { WASBOX_TEST_FASTPATH: '1' },
    ],
    node: ['the launch tests in Node, as without an engine', [launches], { WASBOX_TEST_NODE: '1' }],
    containers: ['wasbox in containers of other systems', [suite('containers')]],
    kills: [
      '10,000 runs, and commands about their changes, killed at a system call',
      [integration('killed-runs')],
      { WASBOX_KILLS: '10000' },
    ],
    damage: [
      '500 kinds of damage to the state directory',
      [integration('state-damage')],
      { WASBOX_DAMAGE: '500' },
    ],
    images: ['images of several tools', [suite('images')]],
    'image-store': ["images made of Debian's packages", [node('test/image-store/debian.mjs')]],
    inspector: ["wasbox mcp by the protocol's inspector", [suite('inspector')]],
    cpython: ["CPython's own tests inside", [suite('cpython')]],
    fleet: ['20,000 jobs beside hostile ones', [suite('fleet')]],
    deploy: ['the pods and units of docs/deploy', [suite('deploy')]],
    slurm: ['an array of tasks on Slurm', [suite('slurm')]],
    random: ['100,000 random policies', [node('wasm-core/test.mjs', '--random')]],
    race: [
      "half an hour for each row of the race for a caller's number",
      [node('test/run.mjs', 'test/attacks/pins.test.ts')],
      { WASBOX_RACE_SECONDS: '1800' },
    ],
    mutants: ['which mutants of the sources the tests notice', [suite('mutants')]],
  },
  bench: {
    '': ["all measurements of the README's and the site's figures", [node('bench/main.mjs')]],
    criteria: ['the same work and probes on other systems', [node('bench/criteria/main.mjs')]],
    changes: ['copy-on-write, diff and apply', [node('bench/changes.mjs')]],
    launcher: ["npm's launcher beside the native command", [node('bench/launcher.mjs')]],
    limits: ['the host beside bombs that do not end', [node('bench/limits.mjs')]],
    images: ["an image's start beside other tools", [node('bench/images.mjs')]],
    fleet: ['jobs with one worker and with a queue', [node('bench/fleet.mjs')]],
    bitmap: ['for which calls the kernel runs the filter', [node('bench/bitmap.mjs')]],
    playground: ['answers of the playground', [node('bench/playground.mjs')]],
  },
  fuzz: {
    '': ['targets of the policy core, or the one that is named', [node('test/fuzz/run.mjs')]],
    readers: ["readers of other tools' profiles", [node('test/fuzz/readers.mjs')]],
    engine: ['what the engine reads of a machine', [node('test/fuzz/engine.mjs')]],
    images: ['what reads archives and manifests', [node('test/fuzz/images.mjs')]],
  },
};
