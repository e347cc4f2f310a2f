/** The catalogue of what runs later by itself, row by row. */
import { describe, expect, test } from 'vitest';
import { autoExecutedRules } from '../../../../src/changes/auto-executed/catalogue.js';
import {
  matchNames,
  matchPath,
  mayMatchBelow,
} from '../../../../src/changes/auto-executed/match.js';

/** A path that a pattern means. */
const sampleOf = (pattern: string): string =>
  pattern.replace('**', 'any/deep').replaceAll('*', 'x').replace(/\/$/, '/below/file');

const rows = autoExecutedRules().map((rule) => ({
  ...rule,
  name: `${rule.level}: ${rule.patterns[0]}`,
}));
const level = (path: string): string | undefined =>
  matchPath(Buffer.from(path), false, false)?.level;

describe.each(rows)('$name', ({ level: expected, patterns, source, why }) => {
  test('has a reason and a source', () => {
    expect(why).toMatch(/^[A-Za-z].{10,80}[^.]$/);
    expect(new URL(source).protocol).toBe('https:');
    expect(new Set(patterns).size).toBe(patterns.length);
  });

  test.each(patterns.map((pattern) => [pattern]))('%s', (pattern) => {
    expect(pattern, 'patterns are lower case: see rules/rule.ts').toBe(pattern.toLowerCase());
    expect(pattern.split('/').filter((name) => name.split('*').length > 2)).toEqual(
      pattern.includes('**') ? ['**'] : [],
    );
    const sample = sampleOf(pattern);
    if (pattern.startsWith('~/')) {
      const names = sample.slice(2).split('/');
      expect(matchNames(names, false, names)?.level).toBe(expected);
      // The name matches only there, unless another row says so anyway.
      expect(matchNames(['x'], false, ['project', ...names])).toBeUndefined();
      return;
    }
    for (const path of [sample, `sub/dir/${sample}`, sample.toUpperCase()]) {
      expect(level(path), path).toBe(expected === 'harmless' ? undefined : expected);
    }
    const deeper = sample.split('/');
    for (let end = 1; end < deeper.length && expected === 'held'; end++) {
      expect(mayMatchBelow(deeper.slice(0, end)), `${deeper.slice(0, end)}`).toBe(true);
    }
  });
});

test('no pattern stands twice', () => {
  const all = autoExecutedRules().flatMap(({ patterns }) => patterns);
  expect(all.filter((pattern, at) => all.indexOf(pattern) !== at)).toEqual([]);
});

test.each([
  ...[
    'lefthook-local.yml',
    '.lefthook-local.toml',
    'lefthook.toml',
    'prek.toml',
    '.overcommit.yml',
  ],
  ...['rust-toolchain', 'rust-toolchain.toml', '.bazeliskrc', '.pnpmfile.mjs', '.dir-locals-2.el'],
  ...['.hg/hgrc-not-shared', '.hg/sharedpath', '.sl/config', '.envrc.local', '.tool-versions'],
  ...['mise.toml', 'mise.production.toml', '.mise.dev.local.toml', 'mise/config.dev.toml'],
  ...[
    'flake.nix',
    'shell.nix',
    'AGENTS.md',
    'CLAUDE.md',
    'GEMINI.md',
    'sub/AGENTS.md',
    '.cursorrules',
  ],
  ...['.cursor/mcp.json', '.windsurf/rules/x.md', '.windsurfrules', '.roo/mcp.json', '.roomodes'],
  ...['.clinerules', '.clinerules/a.md', '.github/copilot-instructions.md', '.mcp.json'],
  ...['.claude/settings.json', '.codex/config.toml', '.gemini/settings.json', '.aider.conf.yml'],
  ...['.venv/bin/python', '.venv/bin/activate', 'venv/bin/pip', '.ycm_extra_conf.py'],
  ...['sitecustomize.py', 'usercustomize.py', '.venv/lib/python3.13/site-packages/x.pth', 'x.pth'],
  ...['.cargo/config.toml', '.kiro/hooks/x', '.amazonq/rules/x.md', '.continue/config.yaml'],
  ...['.zed/tasks.json', '.helix/languages.toml', '.nvim.lua', '.exrc', '.idea/workspace.xml'],
  ...[
    '.run/x.run.xml',
    '.devcontainer/devcontainer.json',
    '.git-hooks/x',
    '.husky/_/h',
    '.jj/repo',
  ],
])('%s is held', (path) => {
  expect(level(path)).toBe('held');
});

test.each([
  ...[
    '.oxfmtrc.json',
    'build.gradle.kts',
    'settings.gradle',
    'gradle/wrapper/gradle-wrapper.jar',
    'build.rs',
  ],
  ...['compose.override.yaml', 'docker-compose.dev.yml', 'Taskfile.yml', 'taskfile.dist.yaml'],
  ...['justfile', '.justfile', 'Makefile', 'Directory.Build.props', 'Directory.Build.targets'],
  ...['src/App.csproj', 'BUILD.bazel', 'MODULE.bazel', 'defs.bzl', 'eslint.config.mjs'],
  ...['package-lock.json', 'web/yarn.lock', 'Cargo.lock', '.terraform.lock.hcl', '.github/x.md'],
  ...['vitest.config.ts', 'jest.config.js', 'tests/conftest.py', 'setup.py', '.env', '.env.local'],
])('%s is pointed out', (path) => {
  expect(level(path)).toBe('note');
});

test.each([
  ...['.newtool/config', '.newtoolrc', 'a/b/.newtool.yml', '.x', 'src/.hidden/file.c', '.lintr'],
  ...['.fslckout', 'sub/_FOSSIL_', 'CVS/Root', 'lib/CVS/Repository', '.bsp/sbt.json', '.conda/a'],
  ...['.pixi/envs/x', '.nox/tests/bin/python', '.github/.newtool', '.git/newfile', '.merlin'],
  ...['.git/objects/.newtool', '.pytest_cache/.newtool/x', 'buildServer.json', 'hie.yaml'],
  ...['node_modules/.hooks/install', 'node_modules/x/.newtoolrc'],
])('%s is held: nothing harmless is known of it', (path) => {
  expect(level(path)).toBe('held');
});

test.each([
  ...['README.md', 'src/agents.ts', 'docs/claude.txt', 'src/mise.ts', 'lefthook.md', 'venvs.py'],
  ...['bin/tool', 'nix/package.nix', 'rules.md', 'my.envrc.txt', 'cursor.ts', 'windsurf.md'],
  ...['data/model.pt', 'site.py', 'in', 'out', '.gitignore', 'a/.editorconfig'],
])('%s is an ordinary file', (path) => {
  expect(level(path)).toBeUndefined();
});
