/** The catalogue: version control and its hooks. */
import { type AutoExecutedRule, held, mayGo, note } from './rule.js';

const hooks = 'a git hook runs the commands that it names';

export const versionControlRules = (): readonly AutoExecutedRule[] => [
  held(
    'git runs it as a hook',
    'https://git-scm.com/docs/githooks',
    // Hooks count in any directory: the user's own configuration may set where git finds them.
    `.git/hooks/ .git/modules/**/hooks/ .githooks/ .git-hooks/ applypatch-msg commit-msg
     fsmonitor-watchman p4-changelist p4-post-changelist p4-pre-submit p4-prepare-changelist
     post-applypatch post-checkout post-commit post-index-change post-merge post-receive post-rewrite
     post-update pre-applypatch pre-auto-gc pre-commit pre-merge-commit pre-push pre-rebase pre-receive
     prepare-commit-msg proc-receive push-to-checkout reference-transaction sendemail-validate`,
  ),
  held(
    'git runs the programs that it names',
    'https://git-scm.com/docs/git-config',
    `.git/config config.worktree .git/modules/**/config .git/info/attributes
     .git/modules/**/info/attributes .gitconfig .config/git/ ~/.config/git/`,
  ),
  mayGo(
    held(
      'git takes configuration and hooks from the directory that it names',
      'https://git-scm.com/docs/gitrepository-layout',
      'commondir gitdir',
    ),
  ),
  held(
    'git reads objects from the directories that it names',
    'https://git-scm.com/docs/gitrepository-layout',
    `objects/info/alternates objects/info/http-alternates refs/replace/ .git/info/grafts
     .git/modules/**/info/grafts`,
  ),
  held(
    'git takes the address of a remote from it',
    'https://git-scm.com/docs/gitrepository-layout',
    '.git/remotes/ .git/branches/ .git/modules/**/remotes/ .git/modules/**/branches/',
  ),
  mayGo(
    held(
      // A user who continues a rebase rarely reviews the remaining steps.
      'git runs it when the rebase continues',
      'https://git-scm.com/docs/git-rebase',
      '.git/rebase-merge/ .git/rebase-apply/ .git/sequencer/ git-rebase-todo',
    ),
  ),
  held(
    hooks,
    'https://lefthook.dev/configuration',
    `lefthook.yml lefthook.yaml lefthook.toml lefthook.json lefthook.jsonc .lefthook.yml .lefthook.yaml
     .lefthook.toml .lefthook.json .lefthook.jsonc lefthook-local.yml lefthook-local.yaml
     lefthook-local.toml lefthook-local.json lefthook-local.jsonc .lefthook-local.yml
     .lefthook-local.yaml .lefthook-local.toml .lefthook-local.json .lefthook-local.jsonc .lefthook/
     .lefthook-local/ .lefthookrc`,
  ),
  held(
    hooks,
    'https://prek.j178.dev/configuration/',
    '.pre-commit-config.yaml .pre-commit-config.yml .pre-commit-hooks.yaml prek.toml ~/.config/prek/',
  ),
  held(
    hooks,
    'https://github.com/sds/overcommit',
    '.overcommit.yml .local-overcommit.yml .overcommit_gems.rb',
  ),
  held(
    hooks,
    'https://typicode.github.io/husky/',
    '.husky/ .huskyrc* husky.config.* ~/.config/husky/',
  ),
  held(
    hooks,
    'https://github.com/toplenboren/simple-git-hooks',
    `.simple-git-hooks.json .simple-git-hooks.js .simple-git-hooks.cjs .simple-git-hooks.mjs
     simple-git-hooks.json simple-git-hooks.js simple-git-hooks.cjs simple-git-hooks.mjs`,
  ),
  held(
    hooks,
    'https://github.com/lint-staged/lint-staged',
    '.lintstagedrc* lint-staged.config.* .nano-staged.* nano-staged.*',
  ),
  held(
    hooks,
    'https://commitlint.js.org/reference/configuration',
    '.commitlintrc* commitlint.config.*',
  ),
  held(
    hooks,
    'https://captainhook-git.github.io/captainhook/',
    'captainhook.json captainhook.config.json grumphp.yml grumphp.yaml grumphp.yml.dist',
  ),
  held(
    'Mercurial runs the hooks and extensions that it names',
    'https://www.mercurial-scm.org/doc/hgrc.5.html',
    '.hg/hgrc .hg/hgrc-not-shared .hg/sharedpath .hgrc .config/hg/ ~/.config/hg/',
  ),
  held(
    'Jujutsu runs the programs that it names',
    'https://docs.jj-vcs.dev/latest/config/',
    '.jj/repo .jj/repo/config.toml .jj/workspace-config.toml .jjconfig.toml .config/jj/ ~/.config/jj/',
  ),
  held(
    'Sapling runs the hooks and programs that it names',
    'https://sapling-scm.com/docs/commands/config',
    '.sl/config .sl/hgrc-not-shared .sl/sharedpath .sl/store/config .config/sapling/',
  ),
  held(
    'CVS contacts the server, or runs the program, that it names',
    'https://www.gnu.org/software/trans-coord/manual/cvs/html_node/Working-directory-storage.html',
    'cvs/root cvs/repository cvs/checkin.prog cvs/update.prog',
  ),
  held(
    'CVS runs the programs that it names',
    'https://www.gnu.org/software/trans-coord/manual/cvs/html_node/Administrative-files.html',
    `cvsroot/commitinfo cvsroot/loginfo cvsroot/verifymsg cvsroot/taginfo cvsroot/posttag cvsroot/postadmin
     cvsroot/postproxy cvsroot/preproxy cvsroot/postwatch cvsroot/notify cvsroot/modules cvsroot/editinfo`,
  ),
  held(
    'Fossil takes its repository, with its settings and hooks, from it',
    'https://fossil-scm.org/home/doc/trunk/www/tech_overview.wiki',
    '.fslckout _fossil_ .fos',
  ),
  held(
    'version control runs the hooks that it names',
    'https://pijul.org/manual/configuration.html',
    '.pijul/config _darcs/prefs/defaults _mtn/monotonerc .bzr/branch/branch.conf',
  ),
  note(
    'git takes objects from it, and does not compare them with their names',
    'https://git-scm.com/docs/gitformat-pack',
    `objects/pack/*.pack objects/pack/*.idx objects/pack/multi-pack-index objects/info/commit-graph
     objects/info/commit-graphs/`,
  ),
  note(
    'git takes submodules, filters and merge drivers from it',
    'https://git-scm.com/docs/gitmodules',
    '.gitmodules .gitattributes .lfsconfig .hgsub .repo/ .gitreview',
  ),
];
