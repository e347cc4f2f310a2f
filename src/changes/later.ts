/**
 * Stage: changes. What runs later by itself: the catalogue behind the flags `held` and
 * `runs-later`.
 *
 * `held` is applied only when it is named: nobody asks a script for a git hook. `note` is an
 * ordinary project file that somebody runs sooner or later, so it is only pointed out. Patterns
 * are matched without regard to case, against the path and each of its leading parts, so that a
 * protected directory that becomes a symbolic link is caught as well.
 */
import { splitPath } from './path.js';

interface LaterRule {
  readonly level: 'held' | 'note';
  /** Names from the end ("anywhere" in front is implied); `*` matches within a name, a `/` at the end: all below. */
  readonly patterns: readonly string[];
  readonly why: string;
}

const rules: readonly LaterRule[] = [
  {
    level: 'held',
    patterns: ['.git/hooks/', '.git/modules/**/hooks/', '.githooks/', '.husky/', '.git-hooks/'],
    why: 'git runs it as a hook',
  },
  {
    level: 'held',
    patterns: [
      '.git/config',
      'config.worktree',
      '.git/modules/**/config',
      '.git/info/attributes',
      'commondir', // another directory's configuration and hooks become this one's
      'gitdir',
      '.gitconfig',
      '.config/git/',
      '.hg/hgrc',
      '.jj/repo/config.toml',
      'lefthook.yml',
      '.lefthook.yml',
    ],
    why: 'git runs the programs that it names',
  },
  {
    level: 'held',
    // Nobody who finds a rebase half done looks at what is still to come.
    patterns: ['.git/rebase-merge/', '.git/rebase-apply/', '.git/sequencer/', 'git-rebase-todo'],
    why: 'git carries it out when the rebase goes on',
  },
  {
    level: 'held',
    patterns: [
      '.envrc',
      '.env.mise',
      '.mise.toml',
      'mise.toml',
      'mise.local.toml',
      '.config/mise/',
      '.autoenv',
    ],
    why: 'the shell runs it when the directory is entered',
  },
  {
    level: 'held',
    patterns: [
      '.bashrc',
      '.bash_profile',
      '.bash_login',
      '.bash_logout',
      '.bash_aliases',
      '.profile',
      '.zshrc',
      '.zshenv',
      '.zprofile',
      '.zlogin',
      '.zlogout',
      '.kshrc',
      '.cshrc',
      '.tcshrc',
      '.login',
      '.inputrc',
      '.config/fish/',
      '.xinitrc',
      '.xprofile',
      '.xsession',
      '.xsessionrc',
      '.zsh/',
      '.xonshrc',
      '.pam_environment',
      '.tmux.conf',
      '.screenrc',
    ],
    why: 'the shell runs it when it starts',
  },
  {
    level: 'held',
    patterns: ['.vscode/', '.idea/', '.devcontainer/', '.fleet/', '.zed/', '*.code-workspace'],
    why: 'the editor runs the tasks that it names',
  },
  {
    level: 'held',
    patterns: [
      '.vimrc',
      '.exrc',
      '.nvimrc',
      '.nvim.lua',
      '.gvimrc',
      '.vim/',
      '.config/nvim/',
      '.emacs',
      '.emacs.d/',
      '.dir-locals.el',
      '.gdbinit',
      '.lldbinit',
      '.perldb',
      '.pythonrc',
      '.irbrc',
      '.pryrc',
      '.pdbrc',
      '.ghci',
      '.ocamlinit',
      '.octaverc',
      '.rprofile',
      '.renviron',
      '_vimrc',
      '.lvimrc',
      '.bazelrc',
      'ansible.cfg',
      'bunfig.toml',
    ],
    why: 'a tool runs it when it starts here',
  },
  {
    level: 'held',
    patterns: [
      '.npmrc',
      '.yarnrc',
      '.yarnrc.yml',
      '.pnpmfile.cjs',
      '.pypirc',
      'pip.conf',
      '.pip/',
      '.cargo/config',
      '.cargo/config.toml',
      '.gemrc',
      '.bundle/config',
      '.netrc',
      '.mvn/',
      '.yarn/releases/',
      '.yarn/plugins/',
      '.pnp.cjs',
      '.docker/config.json',
      '.kube/config',
      '.aws/config',
    ],
    why: 'a package manager takes its registry and its programs from it',
  },
  {
    level: 'held',
    patterns: ['.mcp.json', '.claude/', '.cursor/', '.codex/', '.gemini/', '.aider*', '.continue/'],
    why: 'a coding assistant runs the programs that it names',
  },
  {
    level: 'held',
    patterns: [
      '.ssh/',
      '.gnupg/',
      '.config/autostart/',
      '.config/systemd/',
      '.config/environment.d/',
      '.local/bin/',
      '.local/share/applications/',
      '.local/lib/',
    ],
    why: 'the session runs or trusts it',
  },
  {
    level: 'note',
    patterns: [
      '.github/workflows/',
      '.github/actions/',
      '.gitlab-ci.yml',
      '.circleci/',
      '.travis.yml',
      'azure-pipelines.yml',
      'jenkinsfile',
      '.drone.yml',
      '.woodpecker/',
      '.forgejo/',
      '.gitea/',
      'bitbucket-pipelines.yml',
    ],
    why: 'the CI system runs it',
  },
  {
    level: 'note',
    patterns: [
      'package.json',
      'makefile',
      'gnumakefile',
      '*.mk',
      'cmakelists.txt',
      'configure',
      'build.rs',
      'setup.py',
      'pyproject.toml',
      'conftest.py',
      'noxfile.py',
      'tox.ini',
      'sitecustomize.py',
      'usercustomize.py',
      '*.pth',
      'rakefile',
      'gemfile',
      'gradlew',
      '*.gradle',
      'pom.xml',
      'justfile',
      'taskfile.yml',
      'dockerfile',
      'docker-compose.yml',
      'compose.yaml',
      '.pre-commit-config.yaml',
      '.gitmodules',
      '.gitattributes',
      'binding.gyp',
      'vagrantfile',
      '.rspec',
    ],
    why: 'a build or test command runs it',
  },
  {
    level: 'note',
    patterns: [
      '*.config.js',
      '*.config.cjs',
      '*.config.mjs',
      '*.config.ts',
      '.eslintrc*',
      '.prettierrc*',
      '.babelrc*',
      '.lintstagedrc*',
      '.mocharc*',
      'gulpfile.*',
      'gruntfile.*',
      '.pylintrc',
      'pylintrc',
    ],
    why: 'a tool of the editor or of the build runs it',
  },
];

interface CompiledRule {
  readonly level: 'held' | 'note';
  readonly why: string;
  readonly parts: readonly RegExp[];
  readonly deep: boolean;
}

function namePattern(part: string): RegExp {
  const escaped = part.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '.*');
  return new RegExp(`^${escaped}$`, 's');
}

const anyNames = /^\*\*$/;

/** Compiled with the first change that is looked at: most runs have none. */
let compiled: readonly CompiledRule[] | undefined;

function compileRules(): readonly CompiledRule[] {
  return rules.flatMap((rule) =>
    rule.patterns.map((pattern) => ({
      level: rule.level,
      why: rule.why,
      deep: pattern.endsWith('/'),
      parts: pattern
        .split('/')
        .filter((part) => part !== '')
        .map((part) => (part === '**' ? anyNames : namePattern(part))),
    })),
  );
}

/** Whether `parts` match names from `from` on; gives how many names they took, or -1. */
function matchFrom(parts: readonly RegExp[], names: readonly string[], from: number): number {
  const [first, ...rest] = parts;
  if (first === undefined) return from;
  if (first === anyNames) {
    for (let at = from; at <= names.length; at++) {
      const end = matchFrom(rest, names, at);
      if (end >= 0) return end;
    }
    return -1;
  }
  const name = names[from];
  return name !== undefined && first.test(name) ? matchFrom(rest, names, from + 1) : -1;
}

function matches(rule: CompiledRule, names: readonly string[]): boolean {
  for (let from = 0; from < names.length; from++) {
    const end = matchFrom(rule.parts, names, from);
    if (end === names.length || (end >= 0 && rule.deep)) return true;
  }
  return false;
}

export interface Later {
  readonly level: 'held' | 'note';
  readonly why: string;
}

/**
 * Tells whether a changed path runs later by itself.
 *
 * @param directory whether it is a directory: an ordinary directory of such a name runs nothing,
 *   what is in it does
 * @param gitDirectory whether its directory looks like a git directory, whatever its name
 */
export function runsLater(
  path: Buffer,
  directory: boolean,
  gitDirectory: boolean,
): Later | undefined {
  if (directory) return undefined;
  const names = splitPath(path).map((name) => name.toString('latin1').toLowerCase());
  const last = names[names.length - 1];
  if (last === undefined) return undefined;
  if (last === '.git') return { level: 'held', why: 'it tells git where its configuration is' };
  if (last.endsWith('.sample') && names[names.length - 2] === 'hooks') {
    return undefined;
  }
  const inHooks = names[names.length - 2] === 'hooks';
  if (gitDirectory && (inHooks || ['config', 'hooks', 'commondir'].includes(last))) {
    return { level: 'held', why: 'git runs the programs that it names' };
  }
  compiled ??= compileRules();
  const found = compiled.filter((rule) => matches(rule, names));
  return found.find((rule) => rule.level === 'held') ?? found[0];
}
