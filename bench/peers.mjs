// The peers that are installed, each with the isolation nearest to wasbox's that its own options give.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cleanEnvironment } from './measure.mjs';

const usrLinks = ['bin', 'sbin', 'lib', 'lib64'].filter((name) => existsSync(`/usr/${name}`));

/** The namespaces and mounts that wasbox makes; no filter, Landlock or limits, which it has not. */
export const bubblewrap = (work, ...command) => [
  ...['bwrap', '--unshare-all', '--die-with-parent', '--new-session'],
  ...['--ro-bind', '/usr', '/usr', '--ro-bind', '/etc', '/etc'],
  ...usrLinks.flatMap((name) => ['--symlink', `usr/${name}`, `/${name}`]),
  ...['--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--tmpfs', '/var/tmp'],
  ...['--tmpfs', '/home', '--bind', work, work, '--chdir', work, ...command],
];

/** An OCI bundle whose root holds the program alone. */
function bundle(work, tool, noop) {
  const directory = join(work, `bundle-${tool}`);
  mkdirSync(join(directory, 'rootfs'), { recursive: true });
  copyFileSync(noop, join(directory, 'rootfs', 'noop'));
  const made = spawnSync(tool, ['spec', '--rootless'], { cwd: directory });
  if (made.status !== 0) return undefined;
  const file = join(directory, 'config.json');
  const config = JSON.parse(readFileSync(file, 'utf8'));
  config.process.args = ['/noop'];
  config.process.terminal = false;
  config.root.readonly = true;
  writeFileSync(file, JSON.stringify(config));
  return directory;
}

function oci(tool) {
  return (work, noop) => {
    const directory = bundle(work, tool, noop);
    if (directory === undefined) return undefined;
    const name = `wasbox-bench-$$`;
    const root = join(work, `state-${tool}`);
    // A name each time; the shell's own millisecond is within the spread of the others.
    return ['sh', '-c', `exec ${tool} --root '${root}' run --bundle '${directory}' ${name}`];
  };
}

/** `slow` peers get fewer rounds. */
export const peers = [
  { name: 'bubblewrap', program: 'bwrap', argv: (work, noop) => bubblewrap(work, noop) },
  {
    name: 'firejail',
    program: 'firejail',
    slow: true,
    argv: (_work, noop) => [
      ...['firejail', '--quiet', '--noprofile', '--net=none', '--private-dev', '--private-tmp'],
      ...['--caps.drop=all', '--seccomp', '--nonewprivs', '--read-only=/', '--', noop],
    ],
  },
  { name: 'crun', program: 'crun', slow: true, argv: oci('crun') },
  { name: 'runc', program: 'runc', slow: true, argv: oci('runc') },
  {
    name: 'podman',
    program: 'podman',
    slow: true,
    argv: (work, noop) => {
      const root = join(work, 'podman-root');
      mkdirSync(root, { recursive: true });
      copyFileSync(noop, join(root, 'noop'));
      return ['podman', 'run', '--rm', '--network=none', '--rootfs', root, '/noop'];
    },
  },
  {
    name: 'systemd-nspawn',
    program: 'systemd-nspawn',
    slow: true,
    argv: (work, noop) => {
      const root = join(work, 'nspawn-root');
      mkdirSync(join(root, 'usr'), { recursive: true });
      copyFileSync(noop, join(root, 'noop'));
      return ['systemd-nspawn', '--quiet', '--private-network', '-D', root, '/noop'];
    },
  },
  {
    name: 'lxc',
    program: 'lxc-execute',
    slow: true,
    argv: (work, noop) => ['lxc-execute', '-P', work, '-n', 'wasbox-bench', '--', noop],
  },
  { name: 'srt', program: 'srt', slow: true, argv: (_work, noop) => ['srt', noop] },
  {
    name: 'codex sandbox',
    program: 'codex',
    slow: true,
    argv: (_work, noop) => ['codex', 'sandbox', '--', noop],
  },
];

export const isInstalled = (program) =>
  spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program]).status === 0;

/** The installed peers that work for this user here, and why others do not. */
export function findPeers(work, noop) {
  const working = [];
  const missing = [];
  for (const { name, program, slow, argv } of peers) {
    if (!isInstalled(program)) {
      missing.push({ name, why: 'not installed' });
      continue;
    }
    const words = argv(work, noop);
    const tried =
      words === undefined
        ? { status: null, stderr: Buffer.from('it makes no bundle') }
        : spawnSync(words[0], words.slice(1), {
            cwd: work,
            env: cleanEnvironment(),
            timeout: 20_000,
            stdio: ['ignore', 'ignore', 'pipe'],
          });
    if (tried.status === 0) {
      working.push({ name, slow: slow === true, argv: words });
    } else {
      const [why = ''] = (tried.stderr ?? '').toString().trim().split('\n').slice(-1);
      missing.push({ name, why: `does not work for this user here: ${why.slice(0, 160)}` });
    }
  }
  return { working, missing };
}
