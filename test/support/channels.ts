/** The ways in which people install wasbox from an npm package, each in an empty directory with an empty home. */
import { join } from 'node:path';
import type { Tools } from './tools.js';

export interface Place {
  /** An empty project with a package.json. */
  readonly project: string;
  /** Absolute path of the packed package. */
  readonly tarball: string;
  readonly tools: Tools;
}

export interface Channel {
  /** Files in the project beforehand. */
  readonly files?: Readonly<Record<string, string>>;
  /** Relative to the project. */
  readonly env?: (place: Place) => Record<string, string>;
  /** Commands that install it; none where the command does. */
  readonly install: (place: Place) => string[][];
  /** `wasbox`. */
  readonly command: (place: Place) => string[];
  /** Commands that must succeed after the runs. */
  readonly check?: (place: Place) => string[][];
  /** True if the command is a file that other users can start as well. */
  readonly shared: boolean;
  /** True if each start has an environment of its own, so that none is made again without Node. @default false */
  readonly changingEnvironment?: boolean;
  /** A channel that lays the package out alike; the ordinary user's pass in CI tries that one only. */
  readonly like?: string;
}

const node = process.execPath;
const localBin = ({ project }: Place): string[] => [join(project, 'node_modules/.bin/wasbox')];
const npm = (...args: string[]): string[] => ['npm', ...args, '--no-audit', '--no-fund'];
const prefix = ({ project }: Place): string => join(project, 'prefix');

const npmGlobal: Channel = {
  install: (place) => [npm('install', '--global', '--prefix', prefix(place), place.tarball)],
  command: (place) => [join(prefix(place), 'bin/wasbox')],
  shared: true,
};

const pnpm: Channel = {
  install: ({ tools, tarball }) => [[node, tools.pnpm, 'add', tarball]],
  command: localBin,
  check: ({ tools }) => [[node, tools.pnpm, 'store', 'status']],
  shared: true,
};

/** Yarn 2 and newer: its settings, and the lock file without which it looks for a project further up. */
const berry = (nodeLinker: string): Channel => ({
  files: {
    '.yarnrc.yml': `nodeLinker: ${nodeLinker}\nenableTelemetry: false\nenableGlobalCache: false\n`,
    'yarn.lock': '',
  },
  install: ({ tools, tarball }) => [[node, tools.berry, 'add', `wasbox@file:${tarball}`]],
  command: ({ tools }) => [node, tools.berry, 'wasbox'],
  shared: false,
  changingEnvironment: true, // it puts a fresh directory into PATH
});

export const channels: Readonly<Record<string, Channel>> = {
  'npm, global': { ...npmGlobal, like: 'npm, global, read-only' },
  'npm, global, read-only': {
    ...npmGlobal,
    install: (place) => [...npmGlobal.install(place), ['chmod', '-R', 'a-w', prefix(place)]],
  },
  'npm, local': {
    install: ({ tarball }) => [npm('install', tarball)],
    command: localBin,
    shared: true,
    like: 'npm, local, without scripts',
  },
  'npm, local, without scripts': {
    install: ({ tarball }) => [npm('install', '--ignore-scripts', tarball)],
    command: localBin,
    shared: true,
  },
  npx: {
    install: () => [],
    command: ({ tarball }) => ['npx', '--yes', `--package=${tarball}`, 'wasbox'],
    shared: false,
  },
  'pnpm, local': pnpm,
  'pnpm, global': {
    ...pnpm,
    env: (place) => ({
      PNPM_HOME: prefix(place),
      PATH: `${prefix(place)}:${process.env.PATH ?? ''}`,
    }),
    install: ({ tools, tarball }) => [[node, tools.pnpm, 'add', '--global', tarball]],
    command: (place) => [join(prefix(place), 'wasbox')],
    like: 'pnpm, local',
  },
  'pnpm dlx': {
    ...pnpm,
    install: () => [],
    command: ({ tools, tarball }) => [node, tools.pnpm, `--package=${tarball}`, 'dlx', 'wasbox'],
    shared: false,
  },
  'Yarn 1': {
    install: ({ tools, tarball }) => [[node, tools.yarn, 'add', `file:${tarball}`]],
    command: localBin,
    shared: true,
  },
  'Yarn, node_modules': { ...berry('node-modules'), like: 'Yarn 1' },
  'Yarn, pnpm linker': { ...berry('pnpm'), like: 'pnpm, local' },
  'Yarn, PnP': berry('pnp'),
  'bun, local': {
    install: ({ tools, tarball }) => [[tools.bun, 'add', tarball]],
    command: localBin,
    shared: true,
  },
  'bun, global': {
    env: (place) => ({ BUN_INSTALL: prefix(place) }),
    install: ({ tools, tarball }) => [[tools.bun, 'add', '--global', tarball]],
    command: (place) => [join(prefix(place), 'bin/wasbox')],
    shared: true,
    like: 'bun, local',
  },
  bunx: {
    install: ({ tools, tarball }) => [[tools.bun, 'add', tarball]],
    command: ({ tools }) => [tools.bun, 'x', 'wasbox'],
    shared: false,
    like: 'bun, local',
  },
};
