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
    // The names of hooks count anywhere: the user's own configuration may say where git finds them.
    patterns: [
      '.git/hooks/',
      '.git/modules/**/hooks/',
      '.githooks/',
      '.husky/',
      '.git-hooks/',
      'applypatch-msg',
      'commit-msg',
      'fsmonitor-watchman',
      'post-applypatch',
      'post-checkout',
      'post-commit',
      'post-index-change',
      'post-merge',
      'post-receive',
      'post-rewrite',
      'post-update',
      'pre-applypatch',
      'pre-auto-gc',
      'pre-commit',
      'pre-merge-commit',
      'pre-push',
      'pre-rebase',
      'pre-receive',
      'prepare-commit-msg',
      'proc-receive',
      'push-to-checkout',
      'reference-transaction',
      'sendemail-validate',
    ],
    why: 'git runs it as a hook',
  },
  {
    level: 'held',
    patterns: [
      '.git/config',
      'config.worktree',
      '.git/modules/**/config',
      '.git/info/attributes',
      '.git/modules/**/info/attributes',
      'commondir', // another directory's configuration and hooks become this one's
      'gitdir',
      '.gitconfig',
      '.config/git/',
      '.hg/hgrc',
      '.jj/repo/config.toml',
      'lefthook.yml',
      '.lefthook.yml',
      'lefthook.yaml',
      '.lefthook.yaml',
      '.pre-commit-config.yaml',
    ],
    why: 'git runs the programs that it names',
  },
  {
    level: 'held',
    // Also of a bare repository, and of one of another name.
    patterns: [
      'objects/info/alternates',
      'objects/info/http-alternates',
      'refs/replace/',
      '.git/info/grafts',
      '.git/modules/**/info/grafts',
    ],
    why: 'git takes other objects for those of the repository by it',
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
      '.config/mise.toml',
      '.mise/',
      'mise/config.toml',
      '.mise.local.toml',
      '.rtx.toml',
      '.autoenv',
      '.autoenv.zsh',
      '.autoenv_leave.zsh',
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
    patterns: [
      '.vscode/',
      '.idea/',
      '.devcontainer/',
      '.devcontainer.json',
      '.fleet/',
      '.zed/',
      '.helix/',
      '*.code-workspace',
    ],
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
      '.iex.exs',
      'tools/bazel',
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
    patterns: [
      '.mcp.json',
      '.claude/',
      '.cursor/',
      '.codex/',
      '.gemini/',
      '.aider*',
      '.continue/',
      '.kiro/',
      '.opencode/',
      'opencode.json',
      'opencode.jsonc',
    ],
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
  readonly parts: readonly Part[];
  readonly deep: boolean;
  /** Place in the list: where several match, the first tells why. */
  readonly order: number;
}

/** A name of a pattern: as it is, or what stands before and after its `*`; or any number of names. */
type Part = string | { readonly before: string; readonly after: string } | typeof anyNames;

const anyNames = Symbol('**');

function partOf(text: string): Part {
  if (text === '**') return anyNames;
  const star = text.indexOf('*');
  return star < 0 ? text : { before: text.slice(0, star), after: text.slice(star + 1) };
}

function matchesName(part: Exclude<Part, symbol>, name: string): boolean {
  if (typeof part === 'string') return part === name;
  const { before, after } = part;
  const fits = name.length >= before.length + after.length;
  return fits && name.startsWith(before) && name.endsWith(after);
}

/** The rules by the first name of their pattern: each changed path is looked up, and there may be many. */
interface RuleIndex {
  readonly byName: ReadonlyMap<string, readonly CompiledRule[]>;
  readonly others: readonly CompiledRule[];
}

/** Compiled with the first change that is looked at: most runs have none. */
let compiled: RuleIndex | undefined;

function compileRules(): RuleIndex {
  const byName = new Map<string, CompiledRule[]>();
  const others: CompiledRule[] = [];
  for (const [order, { level, why, patterns }] of rules.entries()) {
    for (const pattern of patterns) {
      const names = pattern.split('/').filter((part) => part !== '');
      const parts = names.map(partOf);
      const rule = { level, why, deep: pattern.endsWith('/'), parts, order };
      const [first] = parts;
      if (typeof first !== 'string') others.push(rule);
      else byName.set(first, [...(byName.get(first) ?? []), rule]);
    }
  }
  return { byName, others };
}

/** Whether the rest of a pattern matches names from `from` on; gives where they end, or -1. */
function matchFrom(
  rule: CompiledRule,
  part: number,
  names: readonly string[],
  from: number,
): number {
  const first = rule.parts[part];
  if (first === undefined) return from;
  if (first === anyNames) {
    for (let at = from; at <= names.length; at++) {
      const end = matchFrom(rule, part + 1, names, at);
      if (end >= 0) return end;
    }
    return -1;
  }
  const name = names[from];
  return name !== undefined && matchesName(first, name)
    ? matchFrom(rule, part + 1, names, from + 1)
    : -1;
}

const noRules: readonly CompiledRule[] = [];

/** What is held comes before what is only pointed out, then the order of the list. */
function findRule({ byName, others }: RuleIndex, names: readonly string[]): Later | undefined {
  let best: CompiledRule | undefined;
  const isBetter = ({ level, order }: CompiledRule): boolean =>
    best === undefined || (level === best.level ? order < best.order : level === 'held');
  for (const [from, name] of names.entries()) {
    for (const candidates of [byName.get(name) ?? noRules, others]) {
      for (const rule of candidates) {
        if (!isBetter(rule)) continue;
        const end = matchFrom(rule, 0, names, from);
        if (end === names.length || (end >= 0 && rule.deep)) best = rule;
      }
    }
  }
  return best;
}

export interface Later {
  readonly level: 'held' | 'note';
  readonly why: string;
}

/** What runs programs of a git directory of any name, by its place right in it. */
export const gitFiles: readonly string[] = ['config', 'hooks', 'commondir'];

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
  const parent = names[names.length - 2];
  const steers = gitFiles.includes(last) || (parent === 'info' && last === 'attributes');
  if (gitDirectory && (parent === 'hooks' || steers)) {
    return { level: 'held', why: 'git runs the programs that it names' };
  }
  compiled ??= compileRules();
  return findRule(compiled, names);
}
