// Files that the engine reads of a machine: files by their path in the home (`~`) or the project, as they are where all
// is well.
export const files = {
  '~/.npmrc':
    'registry=https://registry.example/npm/\n@s:registry = "https://s.example"\nproxy=null\n',
  '~/.gitconfig':
    '[user]\n\tname = "A \\"B\\""\n\temail = a@b\n[url "https://git.example/"]\n\tinsteadOf = git:\n',
  '~/.config/pip/pip.conf':
    '[global]\nindex-url = https://pip.example/simple\ntrusted-host = pip.example:8443\n',
  '~/.cargo/config.toml':
    '[source.crates-io]\nreplace-with = "m"\n[source.m]\nregistry = "sparse+https://c.example/"\n',
  '~/.config/containers/registries.conf':
    'unqualified-search-registries = ["r.example"]\n[[registry]]\nprefix = "*.x.example"\nlocation = "y.example"\n',
  '~/.config/mise/config.toml': '[tools]\npython = "3.11"\nnode = ["20", "22"]\n',
  '~/.pyenv/version': '3.11.7:system\n',
  '.npmrc': 'registry=https://project.example/\n',
  'package.json': '{"name":"a","workspaces":["apps/*"],"packageManager":"pnpm@10.1.0"}',
  'pyproject.toml': '[tool.uv]\nindex-url = "https://uv.example"\n[project]\nname = "x"\n',
  'Cargo.toml': '[workspace]\nmembers = ["a", "b/*"]\n',
  'go.mod': 'module example.com/x\n\ngo 1.22\n',
  '.python-version': '3.11.7\n',
  '.tool-versions': 'python 3.11.7\nnodejs 20.1.0 system\n',
  '.git': 'gitdir: ../main/.git/worktrees/x\n',
  'wasbox.toml': 'net = ["example.com:443"]\nhide = ["*.key"]\ntimeout = "30s"\nmemory = "512M"\n',
  'main.py':
    '#!/usr/bin/env python3\n# /// script\n# dependencies = ["x>=1", "y"]\n# ///\nprint(1)\n',
  script: '#!/bin/sh -e\necho\n',
};

/** Words behind `wasbox`, in the project. */
export const commands = [
  ['run', '--dry-run', '--', 'true'],
  ['run', '--dry-run', '--json', 'main.py'],
  ['run', '--dry-run', 'script'],
  ['run', '--dry-run', '--profile', 'wasbox.toml', '--', 'true'],
  ['run', '--dry-run', '--home', 'cow', '--hide-secrets', '--', 'true'],
  ['run', '--dry-run', '--image', 'a/b:1', '--', 'true'],
  ['run', '--dry-run', '--isolation', 'landlock', '--', 'python3', 'main.py'],
  ...['npm', 'pnpm', 'pip', 'cargo', 'go', 'git', 'uv'].map((name) => [
    ...['run', '--dry-run', '--for', name, '--', 'true'],
  ]),
  ['run', '-q', '--discard', '--', 'true'],
  ['run', '-q', '--', 'sh', '-c', 'echo x >x'],
  ['runs', '--json'],
  ['diff'],
  ['ps'],
];

/** Pieces that mutations insert. */
export const pieces = [
  ...[
    '"',
    "'",
    '\\',
    '\n',
    '\r\n',
    '\0',
    '=',
    '[',
    ']',
    '[[',
    '{',
    '}',
    '#',
    '$HOME',
    '$' + '{X}',
    '%s',
  ],
  ...['\ufeff', '\u202e', '\ud7ff', 'é', '\u{1f600}', '://', '@', '..', '/', '~', '-', '\x1b[31m'],
  ...[
    '99999999999999999999',
    '0x',
    '1e999',
    'nan',
    '1979-05-27T07:32:00Z',
    '"""',
    '\\u0000',
    '\\ud800',
  ],
];
