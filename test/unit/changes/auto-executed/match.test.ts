import { expect, test } from 'vitest';
import { matchPath, mayMatchBelow } from '../../../../src/changes/auto-executed/match.js';

const level = (path: string, directory = false, git = false): string | undefined =>
  matchPath(Buffer.from(path), directory, git)?.level;

test.each([
  '.git/hooks/pre-commit',
  'sub/.git/hooks/x',
  '.GIT/Hooks/x',
  '.git/hooks',
  '.git',
  '.git/config',
  '.git/modules/a/b/hooks/post-checkout',
  '.git/modules/a/config',
  '.husky/pre-push',
  '.envrc',
  'deep/er/.envrc',
  '.vscode/tasks.json',
  '.vscode',
  '.npmrc',
  '.bashrc',
  '.zshenv',
  '.ssh/authorized_keys',
  '.mcp.json',
  '.git/rebase-merge/git-rebase-todo',
  '.git/sequencer/todo',
  '.git/worktrees/w/rebase-merge/git-rebase-todo',
  '.git/objects/info/alternates',
  'sub/bare/objects/info/alternates',
  '.git/modules/a/b/objects/info/http-alternates',
  '.git/refs/replace/0123456789abcdef',
  '.git/info/grafts',
  '.git/info/attributes',
  '.git/modules/a/info/attributes',
  'tools/commit-msg',
  '.devcontainer.json',
  '.pre-commit-config.yaml',
  '.mise/config.toml',
  '.autoenv.zsh',
  '.helix/languages.toml',
  'opencode.json',
])('%s is held back', (path) => {
  expect(level(path)).toBe('held');
});

test.each([
  'package.json',
  'Makefile',
  '.github/workflows/ci.yml',
  'rules.mk',
  'a/conftest.py',
  'web/vite.config.ts',
  '.eslintrc.cjs',
])('%s is pointed out', (path) => {
  expect(level(path)).toBe('note');
});

test.each([
  'README.md',
  'src/index.ts',
  '.git/index',
  '.git/HEAD',
  '.git/objects/ab/cdef',
  '.git/objects/info/packs',
  '.git/refs/heads/replace',
  'info/attributes',
  '.git/hooks/pre-commit.sample',
  'hooks/x',
  'config',
  'my.envrc.txt',
  'config.ts',
  'bashrc',
])('%s is an ordinary file', (path) => {
  expect(level(path)).toBeUndefined();
});

test.each([
  '.Git/Config',
  '.g\u200cit/config',
  '.g\u{e0041}it/hooks/x',
  'git~1/hooks/x',
  'GIT~1/config',
  '.git./config',
  '.git /config',
  '.git::$INDEX_ALLOCATION/config',
  '.en\ufeffvrc',
  '.\u017f\u017fh/config',
  '.v\u017fcode/ta\u017f\u212as.json',
  '.ba\u017fhrc',
])('%s is taken for a held name by a file system that folds names', (path) => {
  expect(level(path)).toBe('held');
});

test.each(['gitx/config', 'git/config', 'git~x/config', 'g\u00eft/config', 'env\xffrc'])(
  '%s is another name everywhere',
  (path) => {
    expect(level(path)).toBeUndefined();
  },
);

test('the beginning of a held name is known, for links', () => {
  for (const path of [
    '.config',
    'a/.config',
    '.git/modules/x',
    '.cargo',
    '.CONFIG',
    '.git',
    'a/.vscode/x',
  ])
    expect(mayMatchBelow(path.split('/')), path).toBe(true);
  for (const path of ['config', '.config/other', 'src', '.envrc/x', 'README.md'])
    expect(mayMatchBelow(path.split('/')), path).toBe(false);
});

test('a directory of such a name is harmless, what is in it is not', () => {
  expect(level('.vscode', true)).toBeUndefined();
  expect(level('.vscode/any', false)).toBe('held');
});

test('a git directory of another name is known by what is in it', () => {
  expect(level('bare/config', false, true)).toBe('held');
  expect(level('bare/hooks/pre-commit', false, true)).toBe('held');
  expect(level('bare/info/attributes', false, true)).toBe('held');
  expect(level('info/config', false, true)).toBe('held');
  expect(level('bare/config', false, false)).toBeUndefined();
});
