/** The catalogue: files that run when the user builds, tests or checks. */
import { type AutoExecutedRule, note } from './rule.js';

const builds = 'a build or test command runs it';
const checks = 'an editor or build tool runs it';

export const buildRules = (): readonly AutoExecutedRule[] => [
  note(
    'the CI system runs it',
    'https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax',
    `
    .github/workflows/ .github/actions/ .github/dependabot.yml .gitlab-ci.yml .gitlab/ .circleci/ .travis.yml
    azure-pipelines.yml azure-pipelines.yaml .azure-pipelines/ jenkinsfile jenkinsfile.* .drone.yml .woodpecker/
    .woodpecker.yml .forgejo/ .gitea/ .builds/ .build.yml bitbucket-pipelines.yml appveyor.yml .appveyor.yml
    .buildkite/ .semaphore/ .teamcity/ .cirrus.yml cloudbuild.yaml buildspec.yml codefresh.yml .tekton/
    action.yml action.yaml dagger.json renovate.json .renovaterc* .mergify.yml`,
  ),
  note('GitHub, or its CI system, reads it', 'https://docs.github.com/en/communities', '.github/'),
  note(
    'it names code that the next install runs',
    'https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json',
    `package-lock.json npm-shrinkwrap.json .package-lock.json yarn.lock pnpm-lock.yaml bun.lock bun.lockb deno.lock
    poetry.lock pdm.lock uv.lock pipfile.lock pylock.toml pylock.*.toml conda-lock.yml conda-lock.yaml pixi.lock
    requirements.lock requirements-dev.lock constraints*.txt cargo.lock go.sum go.work.sum gemfile.lock gems.locked
    *.gemfile.lock composer.lock symfony.lock mix.lock rebar.lock pubspec.lock podfile.lock cartfile.resolved
    package.resolved packages.lock.json paket.lock project.assets.json libman.json gradle.lockfile
    buildscript-gradle.lockfile *.lockfile verification-metadata.xml maven_install.json stack.yaml.lock
    cabal.project.freeze shard.lock dub.selections.json nimble.lock atlas.lock conan.lock vcpkg-configuration.json
    .terraform.lock.hcl chart.lock berksfile.lock puppetfile.lock renv.lock packrat.lock manifest.toml
    julia*manifest.toml cpanfile.snapshot carton.lock spago.lock elm-stuff/ haxelib.json opam.locked *.opam.locked
    module.bazel.lock buf.lock aqua-checksums.json mise.lock .mise.lock lazy-lock.json`,
  ),
  note(
    'npm, npx and scripts of the project run it',
    'https://docs.npmjs.com/cli/v11/configuring-npm/folders',
    'node_modules/.bin/',
  ),
  note(
    'an interpreter runs it in place of its source, of which nothing is compared',
    'https://docs.python.org/3/reference/import.html',
    '__pycache__/ *.pyc *.pyo *.elc',
  ),
  note(
    'python3 -m runs it in place of the module of that name',
    'https://docs.python.org/3/using/cmdline.html',
    `pip.py pip/__main__.py pip/__init__.py venv.py venv/__main__.py venv/__init__.py ensurepip.py virtualenv.py
    virtualenv/__main__.py pipx.py uv.py build.py twine.py pytest.py unittest.py unittest/__main__.py http/server.py
    http/__init__.py pdb.py timeit.py cprofile.py black.py ruff.py mypy.py flake8.py pylint.py isort.py coverage.py
    compileall.py zipfile.py tarfile.py json/tool.py json/__main__.py json.py`,
  ),
  note(
    'a cloud workspace runs it',
    'https://www.gitpod.io/docs/references/gitpod-yml',
    `.gitpod.yml .gitpod.dockerfile
    .replit replit.nix .codesandbox/ .stackblitzrc devfile.yaml .devfile.yaml`,
  ),
  note(
    builds,
    'https://www.gnu.org/software/make/manual/html_node/Makefile-Names.html',
    `makefile gnumakefile bsdmakefile
    *.mk makefile.* makefile.am makefile.in configure configure.ac configure.in *.m4 autogen.sh bootstrap.sh`,
  ),
  note(
    builds,
    'https://cmake.org/cmake/help/latest/manual/cmake-presets.7.html',
    `cmakelists.txt *.cmake cmakepresets.json
    cmakeuserpresets.json meson.build meson_options.txt meson.options build.ninja sconstruct sconscript wscript
    jamroot jamroot.* jamfile jamfile.* tupfile kbuild waf
    premake5.lua xmake.lua conanfile.py conanfile.txt vcpkg.json build.zig build.zig.zon *.pro *.pri`,
  ),
  note(
    builds,
    'https://bazel.build/concepts/build-files',
    `build workspace module.bazel *.bazel *.bzl *.bxl buck targets
    pants.toml pants.*.toml please.build .plzconfig`,
  ),
  note(
    builds,
    'https://doc.rust-lang.org/cargo/reference/build-scripts.html',
    'build.rs cargo.toml cross.toml trunk.toml',
  ),
  note(
    builds,
    'https://docs.gradle.org/current/userguide/settings_file_basics.html',
    `*.gradle *.gradle.kts gradlew gradlew.bat
    gradle.properties gradle/ .gradle/ buildsrc/ build-logic/ *.versions.toml`,
  ),
  note(
    builds,
    'https://maven.apache.org/guides/introduction/introduction-to-the-pom.html',
    `pom.xml mvnw mvnw.cmd
    build.xml ivy.xml ivysettings.xml build.sbt *.sbt project/*.scala .sbtopts .jvmopts .sbtrc build.sc build.mill
    build.clj bb.edn user.clj project.clj deps.edn build.boot shadow-cljs.edn`,
  ),
  note(
    builds,
    'https://learn.microsoft.com/en-us/visualstudio/msbuild/customize-by-directory',
    `directory.build.*
    directory.packages.props directory.solution.* *.csproj *.fsproj *.vbproj *.vcxproj *.proj *.projitems *.shproj
    *.esproj *.sqlproj *.props *.targets *.sln *.slnx *.rsp dotnet-tools.json packages.config build.cake build.ps1 build.fsx`,
  ),
  note(
    builds,
    'https://docs.npmjs.com/cli/v11/using-npm/scripts',
    `package.json package.json5 package.yaml binding.gyp *.gyp
    *.gypi .bowerrc bower.json deno.json deno.jsonc nx.json turbo.json turbo.jsonc lerna.json rush.json
    tsconfig.json tsconfig.*.json jsconfig.json tslint.json *.config.json nodemon.json ecosystem.json typedoc.json
    jsdoc.json nest-cli.json codegen.yml codegen.yaml electron-builder.* truffle-config.js
    angular.json project.json workspace.json wireit.json`,
  ),
  note(
    builds,
    'https://setuptools.pypa.io/en/latest/userguide/declarative_config.html',
    `setup.py setup.cfg pyproject.toml
    conftest.py pytest.ini .pytest.ini noxfile.py tox.ini toxfile.py tasks.py dodo.py fabfile.py pavement.py hatch.toml
    gunicorn.conf.py supervisord.conf uwsgi.ini locustfile.py alembic.ini scrapy.cfg buildout.cfg manage.py dvc.yaml
    snakefile nextflow.config brownie-config.yaml
    hatch_build.py pdm.toml pixi.toml environment.yml environment.yaml requirements*.txt pipfile
    .config/requirements*.txt .config/constraints*.txt`,
  ),
  note(
    builds,
    'https://ruby.github.io/rake/',
    `rakefile rakefile.rb *.rake gemfile gems.rb *.gemspec guardfile capfile thorfile
    brewfile berksfile vagrantfile fastlane/ podfile cartfile dangerfile appraisals .rspec .simplecov .pryrc.local`,
  ),
  note(builds, 'https://just.systems/man/en/', 'justfile .justfile *.just'),
  note(
    builds,
    'https://taskfile.dev/docs/guide',
    `taskfile.yml taskfile.yaml taskfile.dist.yml taskfile.dist.yaml
    .taskrc.yml .taskrc.yaml mise-tasks/ .mise-tasks/ magefile.go magefiles/ earthfile tiltfile skaffold.yaml
    skaffold.yml procfile procfile.* devspace.yaml garden.yml moon.yml .moon/ mprocs.yaml process-compose.yaml
    makefile.toml .cargo-make.toml`,
  ),
  note(
    builds,
    'https://docs.docker.com/compose/how-tos/multiple-compose-files/merge/',
    `dockerfile dockerfile.* *.dockerfile
    containerfile containerfile.* docker-bake.* compose.yml compose.yaml compose.*.yml compose.*.yaml
    docker-compose.yml docker-compose.yaml docker-compose.*.yml docker-compose.*.yaml docker-compose-*.yml
    docker-compose-*.yaml docker-entrypoint.sh`,
  ),
  note(
    builds,
    'https://developer.hashicorp.com/terraform/language/files',
    `*.pkr.hcl *.pkr.json *.tf *.tf.json *.tofu *.tfvars terragrunt.hcl
    pulumi.yaml cdk.json serverless.yml serverless.yaml helmfile.yaml chart.yaml kustomization.yaml vercel.json
    netlify.toml wrangler.toml wrangler.json wrangler.jsonc firebase.json fly.toml app.yaml samconfig.toml`,
  ),
  note(
    builds,
    'https://go.dev/ref/mod',
    'go.mod go.work go.env .goreleaser.yml .goreleaser.yaml .air.toml',
  ),
  note(
    builds,
    'https://hexdocs.pm/mix/Mix.html',
    `mix.exs rebar.config rebar.config.script .formatter.exs .credo.exs dune
    dune-project dune-workspace *.opam *.cabal cabal.project cabal.project.* stack.yaml setup.hs package.swift
    *.xcodeproj/ *.xcworkspace/ pubspec.yaml pubspec_overrides.yaml melos.yaml build.yaml analysis_options.yaml makefile.pl build.pl cpanfile dist.ini
    .proverc elm.json spago.dhall composer.json vendor/autoload.php vendor/composer/ vendor/bin/ artisan phpunit.xml phpunit.xml.dist phpunit.dist.xml build.xml.dist
    *.nimble config.nims nim.cfg shard.yml dub.json dub.sdl alire.toml *.gpr v.mod spago.yaml galaxy.yml
    requirements.yml main.nf`,
  ),
  note(
    builds,
    'https://www.debian.org/doc/debian-policy/ch-source.html',
    'debian/ *.spec pkgbuild snapcraft.yaml apkbuild *.ebuild',
  ),
  note(
    checks,
    'https://cspell.org/docs/Configuration/imports',
    `.cspell.json cspell.json .scss-lint.yml .jscsrc .gersemirc .cmake-format.yaml .cmake-format.yml .packit.yml
    .packit.yaml .reuse/ .jekyll-metadata biome.json biome.jsonc steepfile ruby_lsp/**/addon.rb rubocop.yml
    rust-analyzer.toml pyrightconfig.json pyrefly.toml omnisharp.json zls.json selene.toml`,
  ),
  note(
    builds,
    'https://docs.pytest.org/en/stable/how-to/writing_plugins.html#making-your-plugin-installable-by-others',
    '*.egg-info/entry_points.txt *.dist-info/entry_points.txt *.egg-link pytest.toml celeryconfig.py pelicanconf.py',
  ),
  note(
    builds,
    'https://docs.ansible.com/ansible/latest/dev_guide/developing_locally.html',
    `action_plugins/ become_plugins/ cache_plugins/ callback_plugins/ cliconf_plugins/ connection_plugins/
    filter_plugins/ httpapi_plugins/ inventory_plugins/ lookup_plugins/ shell_plugins/ strategy_plugins/
    terminal_plugins/ test_plugins/ vars_plugins/ module_utils/ library/*.py group_vars/ host_vars/`,
  ),
  note(
    builds,
    'https://learn.microsoft.com/en-us/visualstudio/msbuild/customize-your-build',
    '*.csproj.user *.vcxproj.user *.fsproj.user *.vbproj.user *.proj.user *.pro.user cmakelists.txt.user *.qbs *.cbp *.geany *.launch nbproject/project.xml nbproject/build-impl.xml',
  ),
  note(
    builds,
    'https://www.kernel.org/doc/html/latest/kbuild/kconfig-macro-language.html',
    'kconfig kconfig.* *.mak *.make .depend .deps/*.po .deps/*.plo doxyfile.* *.asd *.rockspec *.nims *.nim.cfg eldev eask cask',
  ),
  note(
    'the program or library of libtool beside that directory runs or loads it',
    'https://www.gnu.org/software/libtool/manual/html_node/Linking-executables.html',
    '.libs/',
  ),
  note(
    builds,
    'https://hexdocs.pm/elixir/config-and-releases.html',
    `config/config.exs config/dev.exs config/prod.exs config/test.exs config/runtime.exs profiles.clj
    project/build.properties platformio.ini west.yml fpm.toml`,
  ),
  note(
    builds,
    'https://knexjs.org/guide/migrations.html#migration-cli',
    `knexfile.* plopfile.* ormconfig.* cucumber.* *.conf.js *.conf.cjs *.conf.mjs *.conf.ts testem.* webpack.*.js
    openapitools.json schema.prisma buf.gen.yaml sqlc.yaml sqlc.json gqlgen.yml tauri.conf.json foundry.toml
    anchor.toml cliff.toml cog.toml dbt_project.yml codegen.ts`,
  ),
  note(
    builds,
    'https://guides.rubyonrails.org/command_line.html',
    `config.ru _plugins/ bin/rails bin/rake bin/bundle bin/console puppetfile robofile.php castor.php deploy.php
    ecs.php phinx.php`,
  ),
  note(
    'the desktop starts the program that it names',
    'https://specifications.freedesktop.org/desktop-entry-spec/latest/',
    '*.desktop',
  ),
  note(
    checks,
    'https://eslint.org/docs/latest/use/configure/configuration-files',
    `*.config.js *.config.cjs *.config.mjs
    *.config.ts *.config.cts *.config.mts .eslintrc* .prettierrc* .stylelintrc* .babelrc* .postcssrc* .remarkrc*
    .releaserc* .textlintrc* .markdownlint-cli2.* .markdownlint.* .swcrc .svgrrc* .graphqlrc* .syncpackrc*
    oxlint.json .oxlintrc.json .oxfmtrc.json .oxfmtrc.jsonc dprint.json `,
  ),
  note(
    checks,
    'https://vitest.dev/config/',
    `.mocharc* .nycrc* .c8rc* .taprc .avarc* karma.conf.* protractor.conf.* wdio.conf.*
    nightwatch.conf.* vitest.workspace.* jest.setup.* setuptests.* cypress.json cypress/support/ cypress/plugins/
    .storybook/ codecept.conf.* gulpfile.* gruntfile.* jakefile jakefile.* brunch-config.* ember-cli-build.js`,
  ),
  note(
    checks,
    'https://pylint.readthedocs.io/en/stable/user_guide/configuration/all-options.html',
    `.pylintrc pylintrc .flake8
    mypy.ini .mypy.ini .coveragerc .sqlfluff
    .ansible-lint .ansible-lint.yml .ansible-lint.yaml`,
  ),
  note(
    checks,
    'https://docs.rubocop.org/rubocop/configuration.html',
    `.rubocop.yml .rubocop_todo.yml .solargraph.yml .yardopts
    .reek.yml .haml-lint.yml .erb-lint.yml .php-cs-fixer.php .php-cs-fixer.dist.php .php_cs phpstan.neon
    phpstan.neon.dist phpcs.xml phpcs.xml.dist psalm.xml psalm.xml.dist rector.php .golangci.*`,
  ),
  note(
    checks,
    'https://clangd.llvm.org/config',
    `.clangd compile_commands.json compile_flags.txt .ccls
    .luacheckrc .luarc.json .luarc.jsonc .scalafmt.conf .scalafix.conf .metals/     treefmt.toml .treefmt.toml trunk.yaml .trunk/ .mega-linter.yml qodana.yaml
    `,
  ),
  note(
    'the next build runs it, or what it names: a configure step made it',
    'https://www.gnu.org/software/autoconf/manual/autoconf.html#config_002estatus-Invocation',
    `config.status config.cache config.guess config.sub libtool ltmain.sh depcomp missing install-sh compile ylwrap
    test-driver cmakecache.txt cmakefiles/**/link.txt cmakefiles/**/relink.txt *.ninja meson-private/ *.d *.wrap`,
  ),
  note(
    builds,
    'https://www.gnu.org/software/make/manual/html_node/Catalogue-of-Rules.html',
    `sccs/s.makefile rcs/makefile,v makefile,v site_scons/ *.tup tupfile.* tuprules.* *.do makeppfile rootmakeppfile
    *.gn *.gni deps moz.build moz.configure mozconfig presubmit.py makevars makevars.* src/install.libs.r cleanup cleanup.win _targets.r renv/activate.r
    packrat/init.r deps/build.jl localpreferences.toml julialocalpreferences.toml mill millw project.scala *.cljs.edn inc/module/`,
  ),
  note(
    builds,
    'https://llvm.org/docs/CommandGuide/lit.html#test-discovery',
    `lit.cfg lit.cfg.py lit.local.cfg lit.local.cfg.py lit.site.cfg lit.site.cfg.py __mocks__/ gatsby-*.js gatsby-*.ts
    wallaby.js config.rb metadata.rb policyfile.rb config/boot.rb config/application.rb config/environment.rb
    config/puma.rb config/deploy.rb molecule.yml psakefile.ps1 *.runsettings launchsettings.json import_map.json
    rescript.json bsconfig.json nbactions.xml nightwatch.json cdktf.json book.json esy.json docfx.json app.json
    jbang-catalog.json maskfile.md config.ld paket.dependencies _templates/ common/config/rush/`,
  ),
  note(
    checks,
    'https://docs.godotengine.org/en/stable/tutorials/plugins/editor/making_plugins.html',
    `project.godot addons/*/plugin.cfg assets/editor/ packages/manifest.json *.iml *.xcconfig project.swift
    session.vim ols.json`,
  ),
  note(
    'R runs it when the package is built, installed or cited',
    'https://cran.r-project.org/doc/manuals/r-release/R-exts.html#Data-in-packages',
    'data/*.r inst/citation',
  ),
  note(
    'it runs when the database client starts here',
    'https://docs.oracle.com/en/database/oracle/oracle-database/19/sqpug/configuring-SQL-Plus.html',
    'login.sql',
  ),
  note(
    checks,
    'https://www.sphinx-doc.org/en/master/usage/configuration.html',
    `conf.py mkdocs.yml mkdocs.yaml _config.yml
    book.toml doxyfile .vitepress/ .vuepress/ .dumi/ .observablehq/ .latexmkrc latexmkrc antora.yml antora-playbook.yml _quarto.yml docusaurus.config.*`,
  ),
];
