/** The catalogue: configuration of package managers and other tools. */
import { type AutoExecutedRule, held } from './rule.js';

const packages = 'a package manager takes its registry and programs from it';
const steers = 'it chooses which program runs when you call the tool here';

export const toolRules = (): readonly AutoExecutedRule[] => [
  held(
    packages,
    'https://docs.npmjs.com/cli/v11/configuring-npm/npmrc',
    '.npmrc .yarnrc .netrc ~/.npmrc',
  ),
  held(
    packages,
    'https://pnpm.io/pnpmfile',
    `.pnpmfile.cjs .pnpmfile.mjs .pnpmfile.js pnpmfile.js
    .pnpmfile.mts pnpm-workspace.yaml`,
  ),
  held(
    packages,
    'https://yarnpkg.com/configuration/yarnrc',
    `.yarnrc.yml .yarn/releases/ .yarn/plugins/
    .yarn/sdks/ .pnp.cjs .pnp.js .pnp.loader.mjs .pnp.data.json yarn.config.cjs`,
  ),
  held(packages, 'https://bun.com/docs/runtime/bunfig', 'bunfig.toml .bunfig.toml'),
  held(
    packages,
    'https://pip.pypa.io/en/stable/topics/configuration/',
    `pip.conf pip.ini .pip/ .pypirc .config/pip/
    uv.toml .config/uv/ .pydistutils.cfg .condarc .mambarc condarc .config/pypoetry/ poetry.toml`,
  ),
  held(
    packages,
    'https://doc.rust-lang.org/cargo/reference/config.html',
    '.cargo/config .cargo/config.toml .cargo/credentials.toml',
  ),
  held(
    steers,
    'https://rust-lang.github.io/rustup/overrides.html',
    'rust-toolchain rust-toolchain.toml rust-toolchain.*',
  ),
  held(packages, 'https://bundler.io/man/bundle-config.1.html', '.gemrc .bundle/ .config/gem/'),
  held(
    packages,
    'https://maven.apache.org/configure.html',
    '.mvn/ .m2/settings.xml .m2/settings-security.xml .mavenrc ~/.m2/settings.xml',
  ),
  held(
    packages,
    'https://docs.gradle.org/current/userguide/init_scripts.html',
    `init.gradle init.gradle.kts
    init.d/*.gradle init.d/*.gradle.kts ~/.gradle/gradle.properties ~/.gradle/init.d/`,
  ),
  held(
    packages,
    'https://learn.microsoft.com/en-us/nuget/reference/nuget-config-file',
    'nuget.config nuget.exe .nuget/',
  ),
  held(steers, 'https://learn.microsoft.com/en-us/dotnet/core/tools/global-json', 'global.json'),
  held(
    packages,
    'https://getcomposer.org/doc/articles/authentication-for-private-packages.md',
    '.composer/config.json .composer/auth.json .pearrc',
  ),
  held(
    packages,
    'https://metacpan.org/pod/CPAN',
    '.cpan/ .cpanm/ .cpanrc .luarocks/ .config/luarocks/',
  ),
  held(
    steers,
    'https://github.com/bazelbuild/bazelisk',
    `.bazelrc .bazelrc.* *.bazelrc .bazeliskrc .bazelversion
    tools/bazel tools/bazel.* .buckconfig .buckconfig.local .buckversion .buckjavaargs`,
  ),
  held(
    steers,
    'https://developer.hashicorp.com/terraform/cli/config/config-file',
    '.terraformrc terraform.rc .terraform/ .tofurc .tflint.hcl',
  ),
  held(
    steers,
    'https://docs.ansible.com/ansible/latest/reference_appendices/config.html',
    'ansible.cfg .ansible.cfg',
  ),
  held(
    steers,
    'https://docs.docker.com/reference/cli/docker/',
    '.docker/config.json .docker/cli-plugins/ .docker/contexts/ .dockercfg .config/containers/ ~/.docker/ ~/.config/containers/',
  ),
  held(
    steers,
    'https://kubernetes.io/docs/reference/access-authn-authz/authentication/',
    '.kube/config .kube/kuberc kubeconfig ~/.kube/',
  ),
  held(
    steers,
    'https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sourcing-external.html',
    '.aws/config .aws/credentials .aws/cli/ .config/gcloud/ .azure/config .oci/config ~/.aws/ ~/.config/gcloud/ ~/.azure/',
  ),
  held(
    steers,
    'https://cli.github.com/manual/gh_alias_set',
    '.config/gh/ .config/glab-cli/ .config/hub ~/.config/gh/',
  ),
  held(
    steers,
    'https://ccache.dev/manual/latest.html',
    '.ccache/ccache.conf ccache.conf .config/ccache/ .config/sccache/ .distcc/',
  ),
  held(
    'a browser loads settings and extensions from it',
    'https://support.mozilla.org/en-US/kb/profiles-where-firefox-stores-user-data',
    `
    .mozilla/ .thunderbird/ .config/google-chrome/ .config/chromium/ .config/bravesoftware/
    ~/.mozilla/ ~/.thunderbird/ ~/.config/google-chrome/ ~/.config/chromium/`,
  ),
  held(
    'the shell runs it when you complete a word',
    'https://github.com/scop/bash-completion/blob/main/README.md',
    '.local/share/bash-completion/ ~/.local/share/bash-completion/',
  ),
  held(
    'the shell runs it at start-up',
    'https://docs.deno.com/runtime/getting_started/installation/',
    '.deno/env .deno/env.* ~/.deno/env ~/.deno/env.*',
  ),
  held(
    'the mail system runs the commands in it',
    'https://www.postfix.org/local.8.html',
    '.forward .procmailrc .qmail',
  ),
  held(
    'it lets others log in as you',
    'https://web.mit.edu/kerberos/krb5-latest/doc/user/user_config/k5login.html',
    '.rhosts .shosts .k5login .k5users',
  ),
  held(
    'Node.js loads modules from it in programs anywhere below',
    'https://nodejs.org/api/modules.html#loading-from-the-global-folders',
    '~/node_modules/ ~/.node_modules/ ~/.node_libraries/',
  ),
  held(
    'sbt compiles and runs it with every build',
    'https://www.scala-sbt.org/1.x/docs/Global-Settings.html',
    '.sbt/ ~/.sbt/',
  ),
  held(
    'mpv runs it with every file',
    'https://mpv.io/manual/stable/',
    '.config/mpv/ ~/.config/mpv/',
  ),
  held(
    'it names programs that the tool runs',
    'https://github.com/sharkdp/bat#configuration-file',
    '.config/bat/ ~/.config/bat/',
  ),
  held(
    'it names programs that the tool runs',
    'https://github.com/jesseduffield/lazygit/blob/master/docs/Config.md',
    '.config/lazygit/ ~/.config/lazygit/',
  ),
  held(
    'it names programs that the tool runs',
    'https://github.com/ranger/ranger/wiki/Official-user-guide',
    '.config/ranger/ ~/.config/ranger/ .config/lf/ ~/.config/lf/',
  ),
  held(
    'a key that you press runs the commands in it',
    'https://www.nongnu.org/xbindkeys/',
    '.xbindkeysrc .xbindkeysrc.scm',
  ),
  held(
    'the interpreter runs it at start-up',
    'https://ipython.readthedocs.io/en/stable/interactive/reference.html',
    '.config/ipython/ ~/.config/ipython/',
  ),
  held(
    'the interpreter runs it at start-up',
    'https://doc.sagemath.org/html/en/reference/repl/startup.html',
    '.sage/ ~/.sage/ .maxima/ ~/.maxima/ .clisprc .clisprc.lisp .utoprc',
  ),
];
