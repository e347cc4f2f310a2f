// Measures what a start of an image costs, beside podman, runc and crun with the same image, and beside a run on this
// machine's own root, in turns:
//     npm run bench -- images [--root FILE.tar] [--rounds 20] [--user NAME] [--directory]
// The image is Debian's, made by mmdebstrap (or taken from FILE.tar) and umoci; the program is its /bin/true. Needs root,
// mmdebstrap, umoci, runc and perf; podman and crun where they are there and start anything on this machine. Each figure is
// a median: wall time, which means something on an idle machine only, and the processor time of all its processes.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeImage, run } from '../test/images/debian.mjs';

const checkout = resolve(fileURLToPath(new URL('..', import.meta.url)));
const { values } = parseArgs({
  options: {
    root: { type: 'string' },
    rounds: { type: 'string', default: '20' },
    user: { type: 'string', default: 'nobody' },
    directory: { type: 'boolean', default: false },
  },
});
const work = fs.mkdtempSync('/var/tmp/wasbox-images-');
fs.chmodSync(work, 0o755);
const [uid, gid] = ['-u', '-g'].map((flag) => Number(run('id', [flag, values.user])));
const own = (name) => {
  const path = join(work, name);
  fs.mkdirSync(path);
  fs.chownSync(path, uid, gid);
  return path;
};

/** Processor milliseconds and wall milliseconds of a command and all its children. */
function measure({ argv, as, cwd, env }) {
  const out = join(work, 'perf');
  const [u, g] = as === 'user' ? [uid, gid] : [0, 0];
  const ids = ['setpriv', '--reuid', u, '--regid', g, '--clear-groups', '--'].map(String);
  const perf = ['stat', '-x', ',', '-e', 'task-clock', '-o', out, '--', ...ids, ...argv];
  const began = process.hrtime.bigint();
  const ended = spawnSync('perf', perf, { cwd, env, encoding: 'utf8' });
  const wall = Number(process.hrtime.bigint() - began) / 1e6;
  if (ended.status !== 0) throw new Error(`${argv.join(' ')}: ${ended.stderr}`);
  const cpu = Number(/^([\d.]+),msec,task-clock/m.exec(fs.readFileSync(out, 'utf8'))?.[1]);
  return { cpu, wall };
}

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];

function situations({ layout, bundle }) {
  const rootfs = join(bundle, 'rootfs');
  const config = JSON.parse(fs.readFileSync(join(bundle, 'config.json'), 'utf8'));
  config.process = { ...config.process, args: ['/bin/true'], terminal: false };
  config.root.readonly = true;
  fs.writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
  const base = {
    PATH: process.env.PATH,
    HOME: own('home'),
    XDG_STATE_HOME: own('state'),
    TERM: 'dumb',
  };
  const cwd = own('project');
  const wasbox = (name, ...options) => ({
    name,
    as: 'user',
    cwd,
    env: base,
    argv: [join(checkout, 'dist/bin/wasbox.bin'), 'run', ...options, '--', '/bin/true'],
  });
  const image = values.directory ? `dir:${rootfs}` : `oci:${layout}:debian`;
  const oci = (tool) => ({
    name: tool,
    as: 'root',
    cwd,
    env: { PATH: process.env.PATH },
    argv: [
      tool,
      '--root',
      join(work, `state-${tool}`),
      'run',
      '--bundle',
      bundle,
      `wasbox-bench-${process.pid}`,
    ],
  });
  const places = ['--root', join(work, 'podman'), '--runroot', join(work, 'podman-run')];
  const podman = (runtime) => ({
    name: `podman with ${runtime}`,
    as: 'root',
    cwd,
    env: { PATH: process.env.PATH, HOME: '/root', PODMAN_IGNORE_CGROUPSV1_WARNING: '1' },
    argv: [
      'podman',
      ...places,
      '--runtime',
      runtime,
      'run',
      '--rm',
      '--network=none',
      '--rootfs',
      rootfs,
      '/bin/true',
    ],
  });
  return [
    wasbox("wasbox, this machine's root"),
    wasbox('wasbox --image', '--image', image),
    wasbox('wasbox --image --cow /', '--image', image, '--cow', '/'),
    ...['runc', 'crun'].map(oci),
    ...['runc', 'crun'].map(podman),
  ];
}

try {
  const made = makeImage(work, values.root);
  run('chown', ['-R', `${uid}:${gid}`, made.layout]);
  const able = situations(made).filter((one) => {
    try {
      // Twice: wasbox repeats what it has recorded.
      for (let i = 0; i < 2; i++) measure(one);
      return true;
    } catch (error) {
      console.log(`left out: ${one.name}: ${error.message.split('\n')[0].slice(-160)}`);
      return false;
    }
  });
  const figures = able.map(() => []);
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [i, one] of able.entries()) figures[i].push(measure(one));
  }
  const [host] = figures;
  console.log(
    `${'start to exit of /bin/true'.padEnd(30)} cpu ms   wall ms   cpu beside the first (paired)`,
  );
  for (const [i, { name }] of able.entries()) {
    const cpu = median(figures[i].map((one) => one.cpu)).toFixed(2);
    const wall = median(figures[i].map((one) => one.wall)).toFixed(1);
    const ratio = median(figures[i].map((one, round) => one.cpu / host[round].cpu)).toFixed(2);
    console.log(`${name.padEnd(30)} ${cpu.padStart(6)} ${wall.padStart(9)}   ${ratio}`);
  }
} finally {
  fs.rmSync(work, { recursive: true, force: true });
}
