/** Random starts in a random tree: words, variables, profiles, streams. */
import { dirname, join } from 'node:path';
import { type OptionEntry, runOptionTable } from '../../../src/options/table.js';
import type { Random } from './random.js';
import type { Tree } from './tree.js';

export interface Input {
  readonly cwd: string;
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The kinds of file that stdin and stderr are. */
  readonly streams: readonly [number, number];
}

const languages = [
  'python',
  'node',
  'sh',
  'bash',
  'ruby',
  'perl',
  'lua',
  'py',
  'cobol',
  '',
  'PYTHON',
];
const commands = ['true', 'sh', 'python3', 'python3', 'node', 'ruby', 'env', '/bin/true', 'nosuch'];
const values: Readonly<Record<string, readonly string[]>> = {
  text: ['', 'x', 'ä'],
  integer: [
    '8',
    '64',
    '512',
    '1_0',
    '100',
    '0',
    '1',
    '-1',
    '1e3',
    '64.5',
    ' 7',
    '99999999999',
    'none',
    '٣',
    '0x10',
  ],
  duration: [
    '1s',
    '30s',
    '500ms',
    '1m30s',
    '2h',
    '10',
    '0',
    'none',
    '1.5s',
    '1d',
    'soon',
    '00001s',
  ],
  size: [
    '1M',
    '512M',
    '1.5G',
    '2097152',
    '2g',
    '65536',
    '0',
    '-1M',
    '1.0000001G',
    'none',
    '9999P',
    '1 M',
    '.5G',
  ],
  network: [
    'none',
    'host',
    'internet',
    'example.com:443',
    '192.0.2.1',
    'bücher.example',
    'x y',
    '',
  ],
  variable: [
    'A=b',
    'HOME',
    'PATH',
    'LANG',
    'ä=ö',
    '=x',
    'A',
    '1A=b',
    'A=',
    'A=x\ny',
    '__proto__=1',
  ],
  sink: ['/dev/null', '2', '77', 'report.json'],
};
const byName: Readonly<Record<string, readonly string[]>> = {
  lang: languages,
  code: ['echo hi', '', 'print(1)', 'exit 3\n', '"\u2028"'],
  hide: [
    '**/.env*',
    'data',
    '.env',
    '*',
    '/etc',
    '~',
    '**',
    'keys/',
    '../',
    'nosuch',
    '[',
    '{a,b}',
  ],
  publish: ['8080:80', '127.0.0.1:1:2', 'x', '0:0'],
  allow: ['ptrace', '@keyring', 'nosuch', 'socket where domain == AF_ALG'],
  continue: ['latest', '000000000'],
};
/** Left to Node at once: seldom, so that most inputs go through both. */
const seldom = new Set([
  ...[
    'continue',
    'report',
    'html',
    'json',
    'dry-run',
    'verbose',
    'audit',
    'ask',
    'help',
    'version',
  ],
  ...['policy', 'allow', 'net-deny', 'publish', 'socket', 'cow'],
]);

const table: readonly OptionEntry[] = runOptionTable;

export class Inputs {
  readonly #random: Random;
  readonly #tree: Tree;
  readonly #state: string;

  constructor(random: Random, tree: Tree, state: string) {
    this.#random = random;
    this.#tree = tree;
    this.#state = state;
  }

  make(): Input {
    const random = this.#random;
    const { project, home } = this.#tree;
    const env = this.#environment();
    // All of /usr is left out, which takes seconds to search for what --hide names.
    const cwd = random.chance(0.93)
      ? project
      : random.pick([home, '/', '/usr/bin', dirname(project)]);
    const words = random.several(3, () => this.#option()).flat();
    const streams = [random.below(4), random.below(4)] as const;
    return { cwd, words: [...words, ...this.#operands()], env, streams };
  }

  #path(): string {
    const random = this.#random;
    const { project, home, names } = this.#tree;
    const known = names.length === 0 ? 'a' : random.pick(names);
    return random.pick([
      ...[known, known, known, `./${known}`, join(project, known), `../${known}`, `${known}/`],
      ...['.', '..', '/', '/etc', '/usr/bin', '/dev/null', '~', home, project, 'data'],
      ...[this.#tree.name(), `${known}//.`, '/nowhere', '', join(home, '.ssh'), 'x'.repeat(300)],
    ]);
  }

  #value({ name, kind, choices }: OptionEntry): string {
    const random = this.#random;
    if (name === 'profile') return this.#profile();
    const known = byName[name];
    if (known !== undefined && random.chance(0.8)) return random.pick(known);
    if (kind === 'choice') return random.pick([...(choices ?? []), 'x']);
    if (kind === 'path') return this.#path();
    if (kind === 'mapping') {
      return random.chance(0.5) ? this.#path() : `${this.#path()}:${this.#path()}`;
    }
    const list = values[kind] ?? [''];
    // The first few are good ones.
    return random.chance(0.85) ? random.pick(list.slice(0, 3)) : random.pick(list);
  }

  #option(): string[] {
    const random = this.#random;
    const entry = random.pick(table);
    if (seldom.has(entry.name) && random.chance(0.9)) return [];
    if (random.chance(0.02))
      return [random.pick(['--nosuch', '-x', '--', '--quie', '--net', '-qv'])];
    const spelled =
      entry.short !== undefined && random.chance(0.3) ? `-${entry.short}` : `--${entry.name}`;
    if (entry.kind === 'flag') return [spelled];
    const value = this.#value(entry);
    return spelled.startsWith('--') && random.chance(0.3)
      ? [`${spelled}=${value}`]
      : [spelled, value];
  }

  #operands(): string[] {
    const random = this.#random;
    const { names } = this.#tree;
    const path = random.chance(0.8) && names.length > 0 ? random.pick(names) : this.#path();
    const first = random.chance(0.5) ? path : random.pick(commands);
    const rest = random.several(3, () =>
      random.pick(['x', 'a b', '', 'ä', '€🙂', '--', '-v', '\n', 'y'.repeat(3000)]),
    );
    if (random.chance(0.02)) return [];
    return [...(random.chance(0.5) ? ['--'] : []), first, ...rest];
  }

  #toml(entry: OptionEntry): string {
    const random = this.#random;
    const text = (value: string) => (random.chance(0.9) ? JSON.stringify(value) : `'${value}'`);
    if (entry.kind === 'flag') return random.pick(['true', 'false', '1', '"true"']);
    if (entry.kind === 'integer' && random.chance(0.7))
      return random.pick(['50', '1_000', '0x40', '-1', '1.5']);
    if (entry.kind === 'variable')
      return `{ A = "b", "ä" = "ö", B = ${random.pick(['true', '"x"'])} }`;
    if (entry.repeatable)
      return `[${random.several(3, () => text(this.#value(entry))).join(', ')}]`;
    return text(this.#value(entry));
  }

  /** Writes a profile, mostly one that holds; its path. */
  #profile(): string {
    const random = this.#random;
    const entries = table.filter(
      ({ profileKey, name }) =>
        profileKey !== undefined && (!seldom.has(name) || random.chance(0.1)),
    );
    const lines = random.several(4, () => {
      const entry = random.pick(entries);
      return `${entry.profileKey} = ${this.#toml(entry)}`;
    });
    if (random.chance(0.1))
      lines.push(random.pick(['x', '[files', 'net = "none"', 'nosuch = 1', '# ä']));
    let bytes = Buffer.from(`${lines.join(random.pick(['\n', '\n', '\r\n']))}\n`);
    if (random.chance(0.05)) bytes = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes]);
    if (random.chance(0.1) && bytes.length > 0)
      bytes[random.below(bytes.length)] = random.below(256);
    const inside = random.chance(0.2);
    const path = join(
      inside ? this.#tree.project : dirname(this.#tree.project),
      `profile-${random.below(9)}.toml`,
    );
    this.#tree.write(path, bytes);
    return random.chance(0.95) ? path : this.#path();
  }

  #environment(): Record<string, string> {
    const random = this.#random;
    const { home, project } = this.#tree;
    const shims = [
      '.pyenv/shims',
      '.rbenv/shims',
      '.nodenv/shims',
      '.asdf/shims',
      '.local/share/mise/shims',
    ];
    const directories = [
      ...shims.map((name) => join(home, name)),
      ...[
        join(home, '.nvm/versions/node/v20.1.0/bin'),
        join(home, '.local/bin'),
        join(project, 'bin'),
      ],
      ...[
        join(project, 'venv/bin'),
        '',
        '.',
        'bin',
        '/nowhere',
        '/root',
        '/etc/passwd',
        '~/bin',
        '/usr/bin/',
      ],
      ...['/umlaut-ä', `/${'long'.repeat(200)}`],
    ];
    const path = [...random.some(directories, 0.25), '/usr/local/bin', '/usr/bin', '/bin'];
    const env: Record<string, string> = Object.create(null);
    const set = (name: string, share: number, ...among: readonly string[]): void => {
      if (random.chance(share)) env[name] = random.pick(among);
    };
    const usual = path.join(':');
    set('PATH', 0.97, usual, usual, usual, usual, usual, '', ':', '/bin', project);
    set(
      'HOME',
      0.95,
      home,
      home,
      home,
      home,
      home,
      home,
      '/',
      '',
      'rel',
      '/nowhere',
      '/root',
      `${home}/`,
    );
    set(
      'XDG_STATE_HOME',
      0.9,
      this.#state,
      this.#state,
      this.#state,
      this.#state,
      this.#state,
      this.#state,
      `${this.#state}/`,
      '',
      'rel',
      join(project, 'state'),
      join(home, 'new/state'),
    );
    set('XDG_CONFIG_HOME', 0.2, join(home, '.config'), '', 'rel');
    set('XDG_RUNTIME_DIR', 0.2, '/run/user/1', '/tmp', '');
    set('LANG', 0.8, 'C.UTF-8', 'en_US.UTF-8', 'de_DE@euro', 'ä', '');
    set('TERM', 0.7, 'xterm', '', 'ä\n');
    set('USER', 0.6, 'user', '', 'ö');
    set('SHELL', 0.6, '/bin/bash', '/bin/sh', '', '/nowhere');
    set('PWD', 0.8, project, '/', 'rel', '');
    set('TMPDIR', 0.2, '/tmp', '/nowhere', project, 'rel');
    set('VIRTUAL_ENV', 0.2, join(project, 'venv'), '/nowhere', '');
    for (const name of ['PYENV', 'RBENV', 'NODENV']) {
      set(`${name}_ROOT`, 0.1, join(home, '.pyenv'), '/nowhere', 'rel', `${home}/.rbenv/../.rbenv`);
      set(`${name}_VERSION`, 0.1, '3', '3.9.1', 'system', '../x', '');
    }
    set('ASDF_DATA_DIR', 0.1, join(home, '.asdf'), 'rel');
    set('ASDF_PYTHON_VERSION', 0.1, '3.10.2', 'system');
    set('NVM_DIR', 0.1, join(home, '.nvm'), '');
    set('SSH_AUTH_SOCK', 0.1, '/tmp/agent', '');
    set('DISPLAY', 0.1, ':0');
    set('__proto__', 0.05, 'x');
    set('constructor', 0.05, 'x');
    set('ä', 0.05, 'ö\n');
    set('A', 0.2, 'b', '\ufeffmark', '\u2028');
    set('TZ', 0.1, 'Asia/Tokyo', 'ä');
    set('WASBOX', 0.02, '1', '');
    set('AWS_SECRET_ACCESS_KEY', 0.1, 'secret');
    return env;
  }
}
