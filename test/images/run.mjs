/**
 * Python and Node of an image run the programs of the table (test/integration/programs) as they do under runc: the same
 * image, made by mmdebstrap and umoci, the same files in the same place; output, status and files left behind are compared.
 *
 *     npm run nightly -- images [--root FILE.tar] [--only TEXT] [--user NAME] [--directory]
 *
 * `--root`: what mmdebstrap has made already; `--directory`: the unpacked tree as dir:PATH in place of the OCI layout.
 *
 * Prints a line a program; ends with 1 if one differs. Needs root, mmdebstrap, umoci, runc and apt's mirror; changes nothing
 * of this machine. wasbox runs as an ordinary user, by default `nobody`.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildSync } from 'esbuild';
import { makeImage, packages, run } from './debian.mjs';

const checkout = resolve(fileURLToPath(new URL('../..', import.meta.url)));
const { values } = parseArgs({
  options: {
    root: { type: 'string' },
    only: { type: 'string', default: '' },
    user: { type: 'string', default: 'nobody' },
    directory: { type: 'boolean', default: false },
  },
});
const work = fs.mkdtempSync('/var/tmp/wasbox-images-');
fs.chmodSync(work, 0o755);
const [uid, gid] = ['-u', '-g'].map((flag) => Number(run('id', [flag, values.user])));

/** The rows of the table whose program is one of the image's interpreters. */
async function rows() {
  const { outputFiles } = buildSync({
    entryPoints: [join(checkout, 'test/integration/programs/languages.ts')],
    bundle: true,
    format: 'esm',
    write: false,
  });
  const { text } = outputFiles[0];
  const { languages } = await import(`data:text/javascript,${encodeURIComponent(text)}`);
  return languages.filter(
    ({ name, packages: needed, refused }) =>
      /^(python|node) /.test(name) &&
      needed.every((one) => packages.includes(one)) &&
      refused === undefined &&
      name.includes(values.only),
  );
}

const project = join(work, 'project');
const home = join(work, 'home');
const env = { PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C.UTF-8', TERM: 'dumb', HOME: home };

function reset(program, owner) {
  for (const path of [project, home]) {
    fs.rmSync(path, { recursive: true, force: true });
    fs.mkdirSync(path);
  }
  for (const [name, content] of Object.entries(program.files ?? {})) {
    fs.mkdirSync(join(project, name, '..'), { recursive: true });
    fs.writeFileSync(join(project, name), content);
    if (/\.(sh|py|mjs|pl|rb)$/.test(name)) fs.chmodSync(join(project, name), 0o755);
  }
  run('chown', ['-R', owner, project, home]);
}

const left = () =>
  run('find', [project, '-printf', '%P %y %m %l\n'])
    .split('\n')
    .filter((line) => !line.includes('__pycache__'))
    .sort();

function underRunc(program) {
  const bundle = join(work, 'bundle');
  const config = JSON.parse(fs.readFileSync(join(bundle, 'config.json'), 'utf8'));
  config.process = {
    ...config.process,
    args: program.argv,
    cwd: project,
    terminal: false,
    env: Object.entries({ ...env, ...program.env }).map((pair) => pair.join('=')),
    user: { uid: 0, gid: 0 },
  };
  const bind = (path) => ({
    destination: path,
    source: path,
    type: 'bind',
    options: ['rbind', 'rw'],
  });
  const own = new Set([project, home, '/tmp', '/var/tmp']);
  const mounts = config.mounts.filter(({ destination }) => !own.has(destination));
  const memory = (destination) => ({
    destination,
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['mode=1777'],
  });
  config.mounts = [...mounts, memory('/tmp'), memory('/var/tmp'), bind(project), bind(home)];
  config.root.readonly = true;
  fs.writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
  reset(program, '0:0');
  const id = `wasbox-images-${process.pid}`;
  const options = { input: program.stdin ?? '', encoding: 'latin1', timeout: 300_000 };
  const ended = spawnSync('runc', ['run', '--bundle', bundle, id], options);
  return { ...ended, files: left() };
}

function underWasbox(program, image) {
  reset(program, `${uid}:${gid}`);
  const variables = Object.entries({ LANG: env.LANG, ...program.env }).flatMap((pair) => [
    '--env',
    pair.join('='),
  ]);
  const options = ['-q', '--apply', '--image', image, '--env', `PATH=${env.PATH}`, ...variables];
  const state = join(work, 'state');
  const ended = spawnSync(
    join(checkout, 'dist/bin/wasbox.bin'),
    ['run', ...options, '--', ...program.argv],
    {
      cwd: project,
      input: program.stdin ?? '',
      encoding: 'latin1',
      timeout: 300_000,
      uid,
      gid,
      env: { ...env, XDG_STATE_HOME: state },
    },
  );
  return { ...ended, files: left() };
}

const text = ({ status, stdout, stderr, files }) =>
  [`status ${status}`, '--- stdout', stdout, '--- stderr', stderr, '--- files', ...files].join(
    '\n',
  );

let failed = 0;
try {
  const { layout, bundle } = makeImage(work, values.root);
  run('chown', ['-R', `${uid}:${gid}`, layout]);
  const image = values.directory ? `dir:${bundle}/rootfs` : `oci:${layout}:debian`;
  fs.mkdirSync(join(work, 'state'));
  fs.chownSync(join(work, 'state'), uid, gid);
  for (const program of await rows()) {
    const [there, here] = [underRunc(program), underWasbox(program, image)].map(text);
    const ran = there.startsWith(`status ${program.status ?? 0}\n`);
    if (there === here && ran) console.log(`ok   ${program.name}`);
    else {
      failed += 1;
      console.log(
        `FAIL ${program.name}${ran ? '' : ' (under runc)'}\n--- runc\n${there}\n--- wasbox\n${here}`,
      );
    }
  }
} finally {
  fs.rmSync(work, { recursive: true, force: true });
}
console.log(failed === 0 ? 'all as under runc' : `${failed} differ`);
process.exitCode = failed === 0 ? 0 : 1;
