/** A Debian image, made by mmdebstrap and umoci: an OCI layout, and the same unpacked as a bundle for runc. */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join, resolve } from 'node:path';

export const packages = ['python3', 'python3-venv', 'nodejs', 'ca-certificates'];

/** @returns what a program printed; throws where it fails */
export function run(program, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    ...options,
  });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error ?? stderr}`);
  return stdout;
}

/**
 * @param work an empty directory
 * @param given a tar archive that mmdebstrap has made already
 * @returns the layout, whose tag is `debian`, and the bundle: `rootfs`, `config.json`
 */
export function makeImage(work, given) {
  const tar = resolve(given ?? join(work, 'debian.tar'));
  const suite = /^VERSION_CODENAME=(.*)$/m.exec(fs.readFileSync('/etc/os-release', 'utf8'))[1];
  const include = `--include=${packages.join(',')}`;
  if (given === undefined) run('mmdebstrap', ['--variant=minbase', include, suite, tar]);
  const layout = join(work, 'layout');
  const first = join(work, 'first');
  const bundle = join(work, 'bundle');
  const image = ['--image', `${layout}:debian`];
  run('umoci', ['init', '--layout', layout]);
  run('umoci', ['new', ...image]);
  run('umoci', ['unpack', ...image, first]);
  run('tar', ['--numeric-owner', '-xf', tar, '-C', join(first, 'rootfs')]);
  run('umoci', ['repack', ...image, first]);
  run('umoci', ['config', ...image, '--config.env', 'IMAGE=debian', '--config.cmd', 'python3']);
  run('umoci', ['unpack', ...image, bundle]);
  fs.rmSync(first, { recursive: true });
  fs.chmodSync(bundle, 0o755);
  return { layout, bundle };
}
