/**
 * The catalogue: hidden names that are harmless. A name that begins with a dot belongs to some tool, and new tools come
 * faster than rows: what no row of the catalogue names is held. A row here says who reads the file, and why nothing in
 * it runs.
 */
import { type AutoExecutedRule, harmless } from './rule.js';

export const harmlessRules = (): readonly AutoExecutedRule[] => [
  harmless(
    'it lists names that git leaves out, or that keep a directory',
    'https://git-scm.com/docs/gitignore',
    `.gitignore .gitkeep .keep .mailmap .git-blame-ignore-revs .hgignore .hgtags .bzrignore .cvsignore .cvswrappers
    .gitleaksignore .placeholder .empty .gitplaceholder .dummy`,
  ),
  harmless(
    'it lists names that a tool leaves out',
    'https://docs.npmjs.com/cli/v11/using-npm/developers',
    `.npmignore .dockerignore .containerignore .eslintignore .prettierignore .stylelintignore .markdownlintignore
    .vscodeignore .helmignore .gcloudignore .slugignore .cfignore .ebignore .vercelignore .nowignore .jshintignore
    .licenseignore .unacceptablelanguageignore .ansible-lint-ignore .ignore .rgignore .fdignore .agignore .rbuildignore .rinstignore vignettes/.install_extras .clocignore .codespellignore .jsdocignore .aiexclude`,
  ),
  harmless(
    'editors take white space and line ends from it',
    'https://spec.editorconfig.org/',
    '.editorconfig',
  ),
  harmless(
    'a formatter or linter takes its style from it, and no code',
    'https://clang.llvm.org/docs/ClangFormatStyleOptions.html',
    `.clang-format .clang-format-ignore .astylerc .uncrustify.cfg .style.yapf .yapfignore .pycodestyle .pydocstyle
    .pep8 .jshintrc .jslintrc .htmlhintrc .csslintrc .csscomb.json .yamllint .yamllint.yml
    .yamllint.yaml .rustfmt.toml .ruff.toml .swift-format .swiftformat
    .codespellrc .typos.toml .hadolint.yaml .hadolint.yml .shellcheckrc
    .jsbeautifyrc .dartfmt .stylua.toml .lycheeignore .vale.ini .proselintrc`,
  ),
  harmless(
    'a service outside this machine reads it',
    'https://docs.codecov.com/docs/codecov-yaml',
    `.codecov.yml .codecov.yaml .coveralls.yml .codeclimate.yml .readthedocs.yml .readthedocs.yaml .zenodo.json
    .lgtm.yml .hound.yml .landscape.yml .landscape.yaml .scrutinizer.yml .deepsource.toml .sonarcloud.properties
    .spi.yml .codacy.yml .codacy.yaml .snyk .gitguardian.yaml .gitguardian.yml .whitesource .all-contributorsrc .imgbotconfig
    .nojekyll .well-known/ .mention-bot .fossa.yml .pyup.yml .dependabot/ .probot/ .stickler.yml .kodiak.toml
    .lift.toml .inclusion.yml .scala-steward.conf .clabot .stale.yml .allcontributors .styleci.yml`,
  ),
  harmless(
    'a tool keeps in it what it found, as data',
    'https://docs.pytest.org/en/stable/how-to/cache.html',
    `.pytest_cache/ .mypy_cache/ .ruff_cache/ .eslintcache .prettiercache .stylelintcache .nyc_output/ .coverage
    .coverage.* .hypothesis/ .ds_store .phpunit.result.cache .php-cs-fixer.cache .tsbuildinfo
    .rhistory .buildinfo`,
  ),
  harmless(
    'a build tool keeps in it what it has built, as data',
    'https://doc.rust-lang.org/cargo/reference/build-cache.html',
    '.rustc_info.json .rustdoc_fingerprint.json .cargo-lock .fingerprint/ .ninja_log .ninja_deps',
  ),
  harmless(
    'git keeps its own data in it',
    'https://git-scm.com/docs/gitrepository-layout',
    `.git/head .git/index .git/description .git/*_head .git/commit_editmsg .git/merge_msg .git/merge_mode
    .git/squash_msg .git/tag_editmsg .git/auto_merge .git/shallow .git/packed-refs .git/gc.log .git/gc.pid
    .git/hooks/*.sample .git/info/exclude .git/info/refs .git/info/sparse-checkout .git/objects/ .git/logs/
    .git/refs/heads/ .git/refs/tags/ .git/refs/remotes/ .git/refs/notes/ .git/refs/stash .git/lfs/objects/
    .git/modules/**/head .git/modules/**/index .git/modules/**/description .git/modules/**/*_head
    .git/modules/**/packed-refs .git/modules/**/shallow .git/modules/**/hooks/*.sample
    .git/modules/**/info/exclude .git/modules/**/objects/ .git/modules/**/logs/ .git/modules/**/refs/heads/
    .git/modules/**/refs/tags/ .git/worktrees/*/head .git/worktrees/*/index
    .git/worktrees/*/orig_head .git/worktrees/*/logs/`,
  ),
  harmless(
    'Fossil takes patterns of names, and how it treats those files, from it',
    'https://fossil-scm.org/home/doc/trunk/www/settings.wiki',
    `.fossil-settings/allow-symlinks .fossil-settings/binary-glob .fossil-settings/clean-glob
    .fossil-settings/crlf-glob .fossil-settings/crnl-glob .fossil-settings/dotfiles .fossil-settings/empty-dirs
    .fossil-settings/encoding-glob .fossil-settings/ignore-glob .fossil-settings/keep-glob .fossil-settings/manifest
    .fossil-settings/mimetypes`,
  ),
  harmless(
    'a tool keeps in it a copy of what you edit, or marks a directory as made',
    'https://jupyterlab.readthedocs.io/en/stable/user/files.html',
    '.ipynb_checkpoints/*.ipynb .dirstamp',
  ),
  harmless(
    'an editor keeps in it what is typed and not yet saved, and offers that as text',
    'https://vimhelp.org/recover.txt.html',
    '*.swp *.swo *.swn *.un~ *.kate-swp .~lock.*',
  ),
  harmless(
    'it lists words that a spelling checker knows',
    'https://cspell.org/docs/dictionaries/custom-dictionaries',
    '.config/dictionary.txt',
  ),
  harmless(
    'a note on a change, for the next release',
    'https://changie.dev/config/',
    `.changeset/*.md .changes/**/*.md .changes/**/*.yaml .chronus/changes/ .changelog/*.txt .chloggen/*.yaml
    .release-notes/*.md .unreleased/*.md .sampo/changesets/*.md .yarn/versions/*.yml`,
  ),
  harmless(
    'programs import it, like everything else in node_modules',
    'https://pnpm.io/symlinked-node-modules-structure',
    'node_modules/.pnpm/ node_modules/.modules.yaml node_modules/.yarn-integrity node_modules/.yarn-state.yml node_modules/.pnpm-workspace-state*.json',
  ),
];
