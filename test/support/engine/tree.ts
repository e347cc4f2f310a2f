/** Random directory trees: what a start may find in a project and a home. */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import type { Random } from './random.js';

const oddNames = ['x y', 'new\nline', 'umlaut-ä', '🙂', '-dash', 'a:b', '"quoted"', 'back\\slash'];
const plainNames = ['a', 'data', 'src', 'bin', 'node_modules', 'venv', '.venv', '.config', 'deep'];
const stars = ['*', '[x]', '~', '$HOME', '\u007f', 'é'.normalize('NFD'), 'l'.repeat(250)];
export const extensions = [
  '.sh',
  '.py',
  '.js',
  '.mjs',
  '.ts',
  '.rb',
  '.pl',
  '.lua',
  '.R',
  '',
  '.x',
];

const shebangs = [
  '#!/bin/sh',
  '#!/bin/bash -e',
  '#! /usr/bin/env python3',
  '#!/usr/bin/env -S node --no-warnings',
  '#!/usr/bin/env -S FOO=1 sh -c "echo $0"',
  '#!/usr/bin/env',
  '#!/usr/bin/env nosuch',
  '#!/nonexistent/sh',
  '#!relative',
  '#!',
  '#!/bin/sh\r',
  `#!/bin/sh ${'x'.repeat(300)}`,
  '#!/usr/bin/perl -w',
  '\ufeff#!/bin/sh',
  'plain text',
  '\0binary',
  '',
];

const links = [
  'a',
  '.',
  '..',
  '/',
  '/etc/passwd',
  '/dev/null',
  'nowhere',
  'loop',
  '/bin/sh',
  '/tmp',
];

/** The files that the version managers keep: root, versions, the files that choose. */
const managers = [
  { root: '.pyenv', program: 'python3', chooser: '.python-version', variable: 'PYENV' },
  { root: '.rbenv', program: 'ruby', chooser: '.ruby-version', variable: 'RBENV' },
  { root: '.nodenv', program: 'node', chooser: '.node-version', variable: 'NODENV' },
];
const versions = [
  '3.9.1',
  '3.10.2',
  '3.10.10',
  '3.2',
  '20.1.0',
  'v18.3.0',
  'system',
  'python-3.9.1',
];
const choices = [...versions, '3', '3.10', 'v18', '20', '../../etc', 'ref:main', '', '3.9.1 # b'];

export class Tree {
  readonly #random: Random;
  /** Files that may be named in a command line, relative to the project. */
  readonly names: string[] = [];
  readonly project: string;
  readonly home: string;

  constructor(random: Random, place: string) {
    this.#random = random;
    this.project = join(place, random.chance(0.2) ? random.pick(oddNames) : 'project');
    this.home = random.chance(0.05) ? join(this.project, 'home') : join(place, 'home');
    for (const path of [this.project, this.home]) fs.mkdirSync(path, { recursive: true });
    for (let i = random.below(25); i > 0; i--) this.#entry();
    this.#special();
    for (const manager of random.some(managers, 0.5)) this.#manager(manager);
    if (random.chance(0.5)) this.#toolVersions();
    if (random.chance(0.3)) this.#unreadable();
  }

  name(): string {
    const random = this.#random;
    return random.pick(random.chance(0.6) ? plainNames : random.chance(0.8) ? oddNames : stars);
  }

  write(path: string, text: string | Uint8Array, mode = 0o644): void {
    try {
      fs.mkdirSync(dirname(path), { recursive: true });
      fs.writeFileSync(path, text, { mode });
    } catch {
      // A file stands where a directory would: so be it.
    }
  }

  #entry(): void {
    const random = this.#random;
    const folder = join(this.project, ...random.several(2, () => this.name()));
    const name = `${this.name()}${random.pick(extensions)}`;
    const path = join(folder, name);
    if (random.chance(0.2)) this.#link(path);
    else {
      const bytes = random.chance(0.05) ? Buffer.from([0x23, 0x21, 0x2f, 0xff, 0x0a]) : undefined;
      const mode = random.pick([0o755, 0o755, 0o755, 0o644, 0o111, 0o4755, 0o600, 0]);
      this.write(path, bytes ?? `${random.pick(shebangs)}\necho hi\n`, mode);
    }
    this.names.push(path.slice(this.project.length + 1));
  }

  #link(path: string): void {
    try {
      fs.mkdirSync(dirname(path), { recursive: true });
      fs.symlinkSync(this.#random.pick(links), path);
    } catch {
      // The name is taken.
    }
  }

  #special(): void {
    const random = this.#random;
    const project = (name: string, text: string) => this.write(join(this.project, name), text);
    const all: (() => void)[] = [
      () => project('.env', 'TOKEN=1\n'),
      () => project('.env.local', 'TOKEN=1\n'),
      () => project('keys/id_rsa', 'key\n'),
      () => project('.git/HEAD', 'ref: refs/heads/main\n'),
      () => project('.git/config', '[core]\n\thooksPath = ../hooks\n'),
      () => project('sub/.git', `gitdir: ${random.pick(['../.git', '/nowhere', ''])}\n`),
      () => project('venv/pyvenv.cfg', `home = ${random.pick(['/usr/bin', '/nowhere', 'bin'])}\n`),
      () => project('package.json', random.pick(['{"type":"module"}', '{', '[]'])),
      () => project('node_modules/.bin/tool', '#!/usr/bin/env node\n'),
      () => project('Makefile', 'all:\n'),
      () => this.#link(join(this.project, 'loop')),
      () =>
        fs.writeFileSync(Buffer.concat([Buffer.from(`${this.project}/`), Buffer.from([0xff])]), ''),
      () => this.write(join(this.home, '.ssh/id_ed25519'), 'key\n', 0o600),
      () => this.write(join(this.home, '.config/app/token'), 'token\n'),
      () =>
        this.write(join(this.home, '.nvm/versions/node/v20.1.0/bin/node'), '#!/bin/sh\n', 0o755),
      () => this.write(join(this.home, '.nvm/alias/default'), '20\n'),
      () => this.write(join(this.home, '.local/bin/tool'), '#!/bin/sh\n', 0o755),
    ];
    for (const make of random.some(all, 0.4)) make();
  }

  #manager({ root, program, chooser }: (typeof managers)[number]): void {
    const random = this.#random;
    const place = join(this.home, root);
    this.write(join(place, 'shims', program), '#!/bin/sh\nexec manager\n', 0o755);
    for (const version of random.some(versions, 0.6)) {
      this.write(join(place, 'versions', version, 'bin', program), '#!/bin/sh\n', 0o755);
    }
    if (random.chance(0.6)) this.write(join(place, 'version'), `${random.pick(choices)}\n`);
    const where = random.pick([this.project, join(this.project, 'deep'), dirname(this.project)]);
    if (random.chance(0.6)) this.write(join(where, chooser), `${random.pick(choices)}\n`);
  }

  #toolVersions(): void {
    const random = this.#random;
    const tools = ['python', 'nodejs', 'ruby', 'node'];
    const lines = random.several(4, () => `${random.pick(tools)} ${random.pick(choices)}`);
    this.write(join(this.project, '.tool-versions'), `${lines.join('\n')}\n`);
    for (const root of ['.asdf', '.local/share/mise']) {
      for (const program of ['python3', 'node', 'ruby']) {
        const shim = `#!/bin/sh\n# asdf-plugin: ${random.pick(tools)} ${random.pick(versions)}\n`;
        this.write(join(this.home, root, 'shims', program), shim, 0o755);
        const tool = random.pick(tools);
        const installed = join(this.home, root, 'installs', tool, random.pick(versions));
        this.write(join(installed, 'bin', program), '#!/bin/sh\n', 0o755);
      }
    }
  }

  #unreadable(): void {
    const random = this.#random;
    this.write(join(this.project, 'closed/inside.sh'), '#!/bin/sh\n', 0o755);
    fs.chmodSync(join(this.project, 'closed'), random.pick([0, 0o100, 0o400, 0o600]));
    this.names.push('closed/inside.sh', 'closed');
  }

  /** Opens the closed directory, so that it can be removed. */
  open(): void {
    const closed = join(this.project, 'closed');
    if (fs.existsSync(closed)) fs.chmodSync(closed, 0o700);
  }
}
