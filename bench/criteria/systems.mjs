// The systems, each as its own documentation starts code that is not trusted: no network, the project
// as its working directory, what it offers of home and processes hidden.
import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bubblewrap } from '../peers.mjs';

/**
 * @typedef {object} Place
 * @property {string} project directory that the code works in
 * @property {string} home of the ordinary user
 * @property {string} state for files of the system itself, such as its configuration
 * @property {string} image a root file system with the programs
 * @property {string} wasbox path of the command
 * @property {number} uid of the ordinary user
 * @property {number} gid of the ordinary user
 */

/** Writes a configuration file, whose lines are counted. */
function configure(place, name, text) {
  mkdirSync(place.state, { recursive: true });
  const file = join(place.state, name);
  writeFileSync(file, text);
  return file;
}

/** An OCI bundle: `runc spec --rootless`, with the project mounted and the command in it. */
function bundle(place, command) {
  mkdirSync(place.state, { recursive: true });
  const file = join(place.state, 'config.json');
  if (!existsSync(file)) {
    const made = spawnSync('runc', ['spec', '--rootless'], { cwd: place.state });
    if (made.status !== 0) throw new Error(`runc spec: ${made.stderr}`);
  }
  const config = JSON.parse(readFileSync(file, 'utf8'));
  for (const [kind, id] of [
    ['uidMappings', place.uid],
    ['gidMappings', place.gid],
  ]) {
    config.linux[kind] = [{ containerID: 0, hostID: id, size: 1 }];
  }
  // `--rootless` leaves the network of the host.
  if (!config.linux.namespaces.some(({ type }) => type === 'network')) {
    config.linux.namespaces.push({ type: 'network' });
  }
  config.process.args = command;
  config.process.terminal = false;
  config.process.cwd = '/work';
  config.root = { path: place.image, readonly: true };
  config.mounts = config.mounts.filter(
    ({ destination }) => !['/work', '/tmp'].includes(destination),
  );
  config.mounts.push({
    destination: '/work',
    type: 'bind',
    source: place.project,
    options: ['rbind', 'rw'],
  });
  config.mounts.push({
    destination: '/tmp',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['mode=1777'],
  });
  writeFileSync(file, JSON.stringify(config, null, 2));
  for (const path of [place.state, file]) chownSync(path, place.uid, place.gid);
  return place.state;
}

const quoted = (word) => `'${word.replaceAll("'", `'\\''`)}'`;

let containers = 0;

/** `steps`: the commands from a fresh machine to the first run; the last is the run. */
export const systems = [
  {
    name: 'wasbox',
    program: 'wasbox',
    steps: ['dpkg --install wasbox_0.1.0_amd64.deb', 'wasbox run CODE'],
    argv: ({ wasbox }, command) => [wasbox, 'run', '--', ...command],
    apply: ({ wasbox }) => [wasbox, 'apply'],
    version: ['--version'],
    better:
      'Where kernel bugs are in the threat model, gVisor or a virtual machine; wasbox has had no audit.',
  },
  {
    name: 'bubblewrap',
    program: 'bwrap',
    steps: ['apt install bubblewrap', 'bwrap … CODE'],
    argv: ({ project }, command) => bubblewrap(project, ...command),
    better:
      'Small, reviewed for years, the base of Flatpak: better for building a sandbox of your own.',
  },
  {
    name: 'firejail',
    program: 'firejail',
    steps: ['apt install firejail', 'firejail … CODE'],
    argv: ({ project }, command) => [
      ...['firejail', '--quiet', '--noprofile', '--net=none', `--private=${project}`],
      ...['--private-dev', '--private-tmp', '--caps.drop=all', '--seccomp', '--nonewprivs'],
      ...['--', ...command],
    ],
    better: 'Ready profiles for hundreds of desktop programs.',
  },
  {
    name: 'srt',
    program: 'srt',
    steps: [
      'npm install --global @anthropic-ai/sandbox-runtime',
      'apt install bubblewrap socat ripgrep',
      'srt CODE',
    ],
    argv: (place, command) => {
      const settings = configure(
        place,
        'srt-settings.json',
        `${JSON.stringify({ network: { allowedDomains: [], deniedDomains: [] }, filesystem: { denyRead: ['~/.ssh'], allowWrite: ['.'], denyWrite: [] } }, null, 2)}\n`,
      );
      // srt joins separate words without quoting them.
      return ['srt', '--settings', settings, '-c', command.map(quoted).join(' ')];
    },
    better: 'Runs on macOS too, and allows domains through a proxy that sees HTTP.',
  },
  {
    name: 'codex sandbox',
    program: 'codex',
    steps: ['npm install --global @openai/codex', 'codex sandbox CODE'],
    argv: (_place, command) => [
      ...['codex', 'sandbox', '-c', 'sandbox_mode="workspace-write"', '--', ...command],
    ],
    better: 'Part of the agent whose commands it confines, and runs on macOS too.',
  },
  {
    name: 'gVisor',
    program: 'runsc',
    steps: ['apt install runsc', 'runsc --rootless --network=none do CODE'],
    argv: (_place, command) => ['runsc', '--rootless', '--network=none', 'do', ...command],
    better: 'Its own kernel answers the calls: bugs of the host’s kernel are mostly out of reach.',
  },
  {
    name: 'runc',
    program: 'runc',
    image: true,
    steps: [
      'apt install runc',
      'mmdebstrap … rootfs',
      'runc spec --rootless',
      'edit config.json',
      'runc run NAME',
    ],
    argv: (place, command) => {
      const directory = bundle(place, command);
      containers += 1;
      return [
        'runc',
        '--root',
        join(place.state, 'run'),
        'run',
        '--bundle',
        directory,
        `criteria-${process.pid}-${containers}`,
      ];
    },
    configFile: 'config.json',
    better: 'Runs exactly the bundle that an engine wrote.',
  },
  {
    name: 'podman',
    program: 'podman',
    image: true,
    root: true,
    steps: ['apt install podman', 'podman pull IMAGE', 'podman run … IMAGE CODE'],
    argv: ({ project, image }, command) => [
      ...['podman', '--runtime', 'runc', 'run', '--rm', '--network=none'],
      ...[
        '--volume',
        `${project}:/work`,
        '--workdir',
        '/work',
        '--rootfs',
        `${image}:O`,
        ...command,
      ],
    ],
    better: 'The same system everywhere, from images; made for services.',
  },
  {
    name: 'systemd-nspawn',
    program: 'systemd-nspawn',
    image: true,
    root: true,
    steps: ['apt install systemd-container', 'mmdebstrap … rootfs', 'sudo systemd-nspawn … CODE'],
    argv: ({ project, image }, command) => [
      ...['systemd-nspawn', '--quiet', '--private-network', '--register=no', '--keep-unit'],
      ...['--read-only', `--bind=${project}:/work`, '--chdir=/work', '-D', image, '--pipe'],
      ...command,
    ],
    better: 'Boots whole systems, with their services.',
  },
  {
    name: 'docker',
    program: 'dockerd',
    image: true,
    root: true,
    daemon: 'dockerd',
    steps: [
      'apt install docker.io',
      'usermod -aG docker USER',
      'docker pull IMAGE',
      'docker run … IMAGE CODE',
    ],
    argv: ({ project }, command) => [
      ...['docker', 'run', '--rm', '--network=none', '--volume', `${project}:/work`],
      ...['--workdir', '/work', 'wasbox-criteria', ...command],
    ],
    better: 'The most images, tools and documentation.',
  },
  { name: 'nsjail', program: 'nsjail', steps: [], absent: 'neither Debian nor npm has it' },
];

/** The control of every probe: no sandbox. */
export const control = {
  name: 'no sandbox',
  program: 'sh',
  argv: (_place, command) => command,
};
