/**
 * Files that are obeyed and name others: hooks, start-up files, task files of editors and the like. What
 * they name is obeyed, too, whatever its own name is.
 */
import { readdirSync } from 'node:fs';
import { canonicalName } from '../files/canonical-name.js';
import { errnoOf } from '../files/fdtree.js';
import type { Names } from '../files/path.js';
import { textElsewhere } from './git-elsewhere.js';
import { homeDirectory } from './home-links.js';

/** Scripts that are read for one tree. */
export const maxScripts = 500;
/** Characters of them that are read. */
export const maxScriptBytes = 8 << 20;

/** Shells and interpreters, and formats with comments that begin with `#`. */
export const commented =
  /(?:^|\/)(?:\.git(?:\/modules\/.*)?\/hooks\/(?!.*\.sample$)[^/]+|\.git-?hooks\/[^/]+|\.husky\/[^/]+|\.lefthook(?:-local)?\/.+|\.huskyrc|\.envrc(?:\.\w+)?|\.direnvrc|\.autoenv[\w.]*|\.env\.leave|\.mise[\w./-]*\.toml|mise(?:\.\w+)?\.toml|mise\/config[\w.]*\.toml|\.tool-versions|(?:prek\.toml|\.pre-commit-config\.ya?ml)|\.?lefthook(?:-local)?\.(?:ya?ml|toml)|\.(?:local-)?overcommit\.yml|\.lintstagedrc(?:\.ya?ml)?|grumphp\.ya?ml|\.npmrc|\.yarnrc(?:\.yml)?|\.codex\/config\.toml|\.cargo\/config(?:\.toml)?|\.gdbinit|\.lldbinit|\.bazelrc|\.tmux\.conf|\.hg\/hgrc|\.sl\/config|\.jj\/(?:repo\/config|workspace-config)\.toml|ansible\.cfg|\.bashrc|\.bash_(?:profile|login|aliases|logout)|\.profile|\.z(?:shrc|shenv|profile|login)|[^/]+\.pth|config\.fish|\.renviron|\.shadowenv\.d\/[^/]+)$/;

/** Formats with another kind of comments. */
export const uncommented =
  /(?:^|\/)(?:\.vscode\/(?:tasks|launch|settings|mcp)\.json|[^/]+\.code-workspace|\.devcontainer(?:\/.*)?\/?devcontainer\.json|\.zed\/(?:tasks|settings)\.json|\.idea\/.*\.xml|\.run\/[^/]+\.xml|\.mcp\.json|\.(?:claude|cursor|gemini|qwen|kiro|roo)\/(?:.*\/)?(?:settings(?:\.local)?|mcp|hooks)\.json|\.lefthook[\w-]*\.jsonc?|\.?lefthook[\w-]*\.jsonc?|\.?simple-git-hooks\.(?:json|c?js|mjs)|\.lintstagedrc\.(?:json|[cm]?js)|\.huskyrc\.(?:json|js)|captainhook\.json|\.vimrc|\.exrc|\.nvimrc|\.nvim\.lua|\.dir-locals(?:-2)?\.el|\.rprofile|\.irbrc|\.pryrc|sitecustomize\.py|usercustomize\.py|\.pnpmfile\.[cm]?js)$/;

export type ScriptKind = 'commented' | 'uncommented';

/** Names of such files that are in no directory with a dot, which most files of a large tree are not. */
const visible =
  /^(?:mise|config|prek|lefthook|simple-git-hooks|captainhook|grumphp|ansible|sitecustomize|usercustomize)[\w.-]*$|\.(?:pth|code-workspace)$/i;

/** Returns the kind of such a file; undefined for any other path. */
export function scriptKind(path: Names): ScriptKind | undefined {
  if (!path.slice(-5).some((name) => name.startsWith('.')) && !visible.test(path.at(-1) ?? '')) {
    return undefined;
  }
  const last = path.slice(-5).map(canonicalName).join('/');
  if (commented.test(last)) return 'commented';
  return uncommented.test(last) ? 'uncommented' : undefined;
}

/** Names and directories of {@link scriptKind}, roughly: each such path has one of these. A name has one star at most. */
const patterns: readonly string[] = [
  ...['hooks/*', '.githooks/*', '.git-hooks/*', '.husky/*', '.shadowenv.d/*'],
  // Every file that is somewhere in them counts; five names of a path are looked at.
  ...['.lefthook', '.lefthook-local', '.idea'].flatMap((name) =>
    [1, 2, 3, 4].map((depth) => name + '/*'.repeat(depth)),
  ),
  ...['*.toml', '.huskyrc*', '.envrc*', '.direnvrc', '.autoenv*', '.env.leave', '.tool-versions'],
  ...[
    '.pre-commit-config.*',
    'lefthook*',
    '.lefthook*',
    '.overcommit.yml',
    '.local-overcommit.yml',
  ],
  ...[
    '.lintstagedrc*',
    'grumphp.*',
    '.npmrc',
    '.yarnrc*',
    '.cargo/config',
    '.gdbinit',
    '.lldbinit',
  ],
  ...['.bazelrc', '.tmux.conf', 'hgrc', '.sl/config', 'ansible.cfg', '.bash*', '.profile', '.z*'],
  ...['*.pth', 'config.fish', '.vscode/*', '*.code-workspace', '*devcontainer.json', '.zed/*'],
  ...['.run/*', '.mcp.json', 'settings*.json', 'mcp.json', 'hooks.json', 'simple-git-hooks.*'],
  ...['captainhook.json', '.vimrc', '.exrc', '.nvimrc', '.nvim.lua', '.dir-locals*', '.rprofile'],
  ...[
    '.irbrc',
    '.pryrc',
    'sitecustomize.py',
    'usercustomize.py',
    '.pnpmfile.*',
    '.simple-git-hooks.*',
    '.renviron',
  ],
];

/** The rules for a survey of the tree. */
export const scripts = {
  patterns,
  isWanted: (path: Names): boolean => scriptKind(path) !== undefined,
};

export const withoutComments = (text: string, kind: ScriptKind): string =>
  kind === 'commented' ? text.replace(/^[ \t]*#(?!!).*$/gm, '') : text;

/** The text as commands: without comments, and without the signs of lists. */
export function commandsOf(text: string, kind: ScriptKind): string {
  if (text.slice(0, 4096).includes('\0')) return ''; // a program, which names nothing that can be read
  const own = withoutComments(text, kind);
  const isList = kind === 'uncommented' || /^\s*[\w."-]+\s*[:=]\s*["']?\[|^\s*- /m.test(own);
  if (!isList) return own.replace(/^#!\s*/, '');
  return own.replace(/\$\{[^{}\n]*\}/g, '$x').replace(/[[\]{}]/g, ' ');
}

/** Start-up files below home, `*` for all files of a directory. */
const ofHome: readonly string[] = [
  ...['.bashrc', '.bash_profile', '.bash_login', '.bash_aliases', '.bash_logout', '.profile'],
  ...[
    '.zshrc',
    '.zshenv',
    '.zprofile',
    '.zlogin',
    '.kshrc',
    '.xprofile',
    '.xinitrc',
    '.xsessionrc',
  ],
  ...[
    '.tmux.conf',
    '.vimrc',
    '.emacs',
    '.gdbinit',
    '.npmrc',
    '.yarnrc.yml',
    '.direnvrc',
    '.inputrc',
  ],
  ...['.ssh/config', '.cargo/config.toml', '.config/pip/pip.conf', '.config/mise/config.toml'],
  ...['.config/fish/config.fish', '.config/nvim/init.lua', '.config/nvim/init.vim'],
  ...['.config/direnv/direnvrc', '.config/tmux/tmux.conf', '.emacs.d/init.el', '.vim/vimrc'],
  ...['.config/sway/config', '.config/i3/config', '.config/hypr/hyprland.conf', '.xbindkeysrc'],
  ...['.config/Code/User/settings.json', '.config/Code/User/tasks.json', '.claude/settings.json'],
  ...['.claude.json', '.codex/config.toml', '.cursor/mcp.json', '.gemini/settings.json'],
  ...['.bashrc.d/*', '.config/fish/conf.d/*', '.config/environment.d/*', '.ssh/config.d/*'],
  ...['.config/autostart/*', '.config/systemd/user/*', '.local/share/systemd/user/*'],
  ...['.local/share/applications/*', 'Desktop/*', '.config/systemd/user.control/*'],
  ...['.config/Code/User/mcp.json', '.config/Code/User/keybindings.json'],
  ...['.config/Code - Insiders/User/settings.json', '.config/Code - Insiders/User/tasks.json'],
  ...['.config/VSCodium/User/settings.json', '.config/VSCodium/User/tasks.json'],
  ...['.config/Cursor/User/settings.json', '.config/Windsurf/User/settings.json'],
  ...['.config/Claude/claude_desktop_config.json', '.codeium/windsurf/mcp_config.json'],
  ...['.config/zed/settings.json', '.config/zed/tasks.json', '.config/opencode/opencode.json'],
  ...['.gvimrc', '.emacs.el', '.config/emacs/init.el', '.emacs.d/early-init.el', '.zlogout'],
  ...['.config/vim/vimrc', '.config/direnv/lib/*', '.config/zsh/.zshrc', '.config/zsh/.zshenv'],
  ...['.config/zsh/.zprofile', '.zshrc.d/*', '.config/git/config', '.config/uv/uv.toml'],
  // Interpreters, debuggers and database clients read these at their start, other tools when they run.
  ...['.Rprofile', '.Renviron', '.R/Makevars', '.irbrc', '.pryrc', '.pdbrc', '.lldbinit', '.ghci'],
  ...['.octaverc', '.psqlrc', '.sqliterc', '.sbclrc', '.ocamlinit', '.iex.exs', '.guile'],
  ...['.screenrc', '.mailcap', '.hgrc', '.config/hg/hgrc', '.subversion/config', '.cvsrc'],
  ...['.jjconfig.toml', '.config/jj/config.toml', '.muttrc', '.config/starship.toml'],
];

/** Files of the system that run programs by themselves, `*` for all of a directory: at a time, or as a service. */
const ofSystem: readonly string[] = [
  ...['/etc/crontab', '/etc/cron.d/*', '/etc/anacrontab', '/etc/profile.d/*', '/etc/rc.local'],
  ...['/etc/systemd/system/*', '/etc/systemd/user/*', '/etc/xdg/autostart/*'],
  ...['/etc/supervisor/conf.d/*', '/etc/udev/rules.d/*', '/etc/logrotate.d/*', '/etc/incron.d/*'],
  // Only root can read those of others, or its own.
  ...['/var/spool/cron/crontabs/*', '/var/spool/cron/*', '/var/spool/at/*'],
];

/** Files of zsh, where the user has them elsewhere. */
const ofZsh: readonly string[] = ['.zshrc', '.zshenv', '.zprofile', '.zlogin', '.zlogout'];

/** The system's files that may name something in a tree. */
export const systemFiles = (): string[] =>
  ofSystem
    .flatMap((name) => (name.endsWith('/*') ? filesIn(name.slice(0, -2)) : [name]))
    .flatMap((name) => (name.endsWith('.d') ? filesIn(name) : [name]));

/** The names in a directory, if it may be read; one character per byte. */
function namesIn(directory: string): string[] {
  try {
    return readdirSync(Buffer.from(directory, 'latin1'), { encoding: 'latin1' });
  } catch (error) {
    errnoOf(error); // missing or not accessible
    return [];
  }
}

/** The files of a directory that may be read; one character per byte. */
export const filesIn = (directory: string): string[] =>
  namesIn(directory).map((name) => `${directory}/${name}`);

/**
 * The user's start-up files that may name something in a tree below an absolute path. Most are not there, and are not
 * looked for one by one if home can be read.
 */
export function startupFiles(): string[] {
  const home = homeDirectory();
  if (home === undefined) return [];
  const there = new Set(namesIn(home).map((name) => name.toLowerCase()));
  return [
    ...zshFiles(home),
    ...ofHome
      .filter((name) => there.size === 0 || there.has(name.replace(/\/.*/, '').toLowerCase()))
      .flatMap((name) =>
        name.endsWith('/*') ? filesIn(`${home}/${name.slice(0, -2)}`) : [`${home}/${name}`],
      )
      // A unit's drop-ins (systemd.unit(5)).
      .flatMap((name) => (name.endsWith('.d') ? filesIn(name) : [name])),
  ];
}

/** Returns files of the directories that ZDOTDIR names, in the environment or in what zsh reads first (zsh(1)). */
function zshFiles(home: string): string[] {
  const named = /^\s*(?:export\s+)?ZDOTDIR=["']?([^"'\s;#]+)/m.exec(
    textElsewhere(`${home}/.zshenv`) ?? '',
  );
  const spelled = (named?.[1] ?? '').replace(/^(?:~|\$\{?HOME\}?)(?=\/|$)/, home);
  const { ZDOTDIR: set = '' } = process.env;
  const directories = [Buffer.from(set).toString('latin1'), spelled].filter((one) =>
    one.startsWith('/'),
  );
  return [...new Set(directories)].flatMap((one) => ofZsh.map((name) => `${one}/${name}`));
}
