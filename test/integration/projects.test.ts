/**
 * Repositories laid out as real ones are: a command works from the root and from a subdirectory as it does without
 * wasbox, and what it writes above the current directory is a change. Needs: git, node, python3, make, cargo, go;
 * pnpm is one of test/tools. Bazel is played by the search for its marker.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { environmentOf, type Identity, identities } from '../support/identity.js';
import { type Files, makeProject } from '../support/project.js';
import { installTools } from '../support/tools.mjs';
import { runProgram, runWasbox } from '../support/wasbox.js';

interface Layout {
  readonly name: string;
  readonly files: Files;
  /** Run as the user before, at the root. */
  readonly prepare?: string;
  readonly sub: string;
  /** The command is the same words at the root and in the subdirectory. */
  readonly command: string;
}

const git =
  'git init -q . && git config user.name a && git config user.email a@b && git add -A && git commit -qm x';

const layouts: readonly Layout[] = [
  {
    name: 'npm workspaces',
    files: {
      'package.json': '{"workspaces": ["packages/*"]}',
      'node_modules/shared/index.js': 'module.exports = 42;',
      'packages/app/package.json': '{}',
      'packages/app/src/x.js': '',
    },
    sub: 'packages/app/src',
    command: 'node -p "require(\'shared\')"',
  },
  {
    name: 'pnpm',
    files: {
      'package.json': '{"name": "root", "private": true}',
      'pnpm-workspace.yaml': 'packages: [apps/*, libs/*]\n',
      'libs/shared/package.json': '{"name": "shared", "version": "1.0.0", "main": "i.js"}',
      'libs/shared/i.js': 'module.exports = 7;\n',
      'apps/web/package.json':
        '{"name": "web", "version": "1.0.0", "dependencies": {"shared": "workspace:*"}}',
      'apps/web/src/x.js': '',
    },
    prepare: 'pnpm install --offline >/dev/null',
    sub: 'apps/web/src',
    command:
      'pnpm --filter web exec node -p "require(\'shared\')"; pnpm --recursive list --depth=-1 --parseable',
  },
  {
    name: 'Cargo',
    files: {
      'Cargo.toml': '[workspace]\nresolver = "2"\nmembers = ["crates/*"]\n',
      'crates/a/Cargo.toml':
        '[package]\nname = "a"\nversion = "1.0.0"\nedition = "2021"\n[dependencies]\nb = { path = "../b" }\n',
      'crates/a/src/main.rs': 'fn main() { println!("{}", b::text()) }\n',
      'crates/b/Cargo.toml': '[package]\nname = "b"\nversion = "1.0.0"\nedition = "2021"\n',
      'crates/b/src/lib.rs': 'pub fn text() -> &\u0027static str { "from b" }\n',
    },
    sub: 'crates/a/src',
    command: 'cargo locate-project --workspace && cargo run -q --offline -p a',
  },
  {
    name: 'Go',
    files: {
      'go.mod': 'module example.org/x\n\ngo 1.20\n',
      'lib/lib.go': 'package lib\n\nconst Text = "x"\n',
      'cmd/x/main.go':
        'package main\n\nimport "example.org/x/lib"\n\nfunc main() { println(lib.Text) }\n',
    },
    sub: 'cmd/x',
    command: 'go env GOMOD && go list -deps -f "{{.ImportPath}} {{.Dir}}" example.org/x/cmd/x',
  },
  {
    name: 'Python, src layout',
    files: {
      'pyproject.toml': '[project]\nname = "p"\n',
      'src/p/__init__.py': 'x = 3\n',
      'tests/unit/test_x.py':
        'import pathlib, sys\nroot = next(d for d in pathlib.Path(__file__).resolve().parents if (d / "pyproject.toml").exists())\nsys.path.insert(0, str(root / "src"))\nimport p\nprint(p.x)\n',
    },
    sub: 'tests/unit',
    command: 'python3 -B $(find . -name test_x.py)',
  },
  {
    name: 'a git repository',
    files: { 'a/b/file': 'x', Makefile: 'all:\n\t@echo made\n' },
    prepare: git,
    sub: 'a/b',
    command: 'git status --short --branch; git log --format=%s; git rev-parse --show-toplevel',
  },
  {
    name: 'a nested repository',
    files: { 'inner/deep/x': '1', outer: 'o' },
    prepare: `${git}; cd inner && ${git.replace('-qm x', '-qm inner')}`,
    sub: 'inner/deep',
    command: 'git log --format=%s',
  },
  {
    name: 'Bazel-like',
    files: { 'MODULE.bazel': 'module(name = "x")\n', 'lib/core/BUILD': '' },
    sub: 'lib/core',
    command:
      'd=$PWD; while [ ! -e "$d/MODULE.bazel" ] && [ "$d" != / ]; do d=$(dirname "$d"); done; cat "$d/MODULE.bazel"',
  },
  {
    name: 'no project at all',
    files: { 'x/y/file': 'f', Makefile: 'all:\n\t@echo made\n' },
    sub: 'x/y',
    command: 'ls; pwd',
  },
];

const bin = join(installTools('tools/registry'), '.bin');
const envOf = (as: Identity) => ({ PATH: `${environmentOf(as).PATH}:${bin}` });

const words = (command: string): string[] => ['sh', '-c', command];

async function compare(
  as: Identity,
  cwd: string,
  command: string,
  options: readonly string[] = [],
) {
  const env = envOf(as);
  const outside = await runProgram(words(command), { as, cwd, env });
  const inside = await runWasbox(['run', ...options, '--', ...words(command)], { as, cwd, env });
  expect([inside.status, inside.out], inside.err).toEqual([outside.status, outside.out]);
  return inside;
}

describe.each(identities())('as $label', (as) => {
  it.each(layouts)('$name', async ({ files, prepare, sub, command }) => {
    const root = makeProject(as, files);
    if (prepare !== undefined) {
      const prepared = await runProgram(words(prepare), { as, cwd: root, env: envOf(as) });
      expect([prepared.status, prepared.err]).toEqual([0, '']);
    }
    await compare(as, root, command);
    await compare(as, join(root, sub), command);
  });

  it('a worktree and a submodule: their git directory is where it was, and named', async () => {
    const root = makeProject(as, { 'main/file': 'x', 'lib/file': 'y' });
    const prepare = `cd lib && ${git}; cd ../main && ${git}; git worktree add -q ../tree; git -c protocol.file.allow=always submodule add -q ${root}/lib sub; mkdir ../tree/deep sub/deep`;
    expect((await runProgram(words(prepare), { as, cwd: root })).status).toBe(0);
    const ask = 'git rev-parse --show-toplevel; git status --short';
    for (const [at, directory] of [
      ['tree', 'main/.git'],
      ['main/sub', 'main/.git/modules/sub'],
    ] as const) {
      const cwd = join(root, at, 'deep');
      const without = await runWasbox(['run', '-c', 'cat ../file'], { as, cwd });
      expect(without.err).toContain(`its directory ${join(root, directory)} is not mounted`);
      await compare(as, cwd, ask, ['--cow', join(root, directory)]);
    }
  });

  it('a file written above the current directory is a change, found from both', async () => {
    const root = makeProject(as, { 'package.json': '{}', 'a/b/': '' });
    const cwd = join(root, 'a/b');
    const ran = await runWasbox(['run', '-v', '-c', 'echo y > ../../y; echo z > z'], { as, cwd });
    expect(ran.err).toContain(`project: ${root}, which has package.json`);
    expect(fs.readdirSync(root).sort()).toEqual(['a', 'package.json']);
    for (const at of [root, cwd]) {
      const diff = await runWasbox(['diff', '--name-only'], { as, cwd: at });
      expect(diff.out).toBe('a/b/z\ny\n');
    }
    // A path starts where the user is, or at the top as it is shown.
    const own = await runWasbox(['diff', '--name-only', 'z'], { as, cwd });
    expect(own.out).toBe('a/b/z\n');
    expect((await runWasbox(['diff', '--name-only', '../../y'], { as, cwd })).out).toBe('y\n');
    expect((await runWasbox(['apply', 'z', 'y'], { as, cwd })).status).toBe(0);
    expect([fs.existsSync(join(root, 'y')), fs.existsSync(join(cwd, 'z'))]).toEqual([true, true]);
  });

  it('--workdir . and --chdir', async () => {
    const root = makeProject(as, { 'package.json': '{}', 'a/b/': '' });
    const cwd = join(root, 'a');
    const alone = await runWasbox(['run', '--workdir', '.', '-c', 'ls ..'], { as, cwd });
    expect(alone.out).toBe('a\n');
    const there = await runWasbox(['run', '--chdir', 'b', '-c', 'pwd; ls ../..'], { as, cwd });
    expect(there.out).toBe(`${join(root, 'a/b')}\na\npackage.json\n`);
    const shown = await runWasbox(['run', '--dry-run', '-c', 'pwd'], { as, cwd });
    expect(shown.out).toContain(`project          ${root}, which has package.json`);
  });
});
