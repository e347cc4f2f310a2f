/** The catalogue: files that shells and the login session run, or that run when a directory is entered. */
import { type AutoExecutedRule, held, mayGo, note } from './rule.js';

const entered = 'the shell runs it when you enter the directory';
/** The reason for files that the functions of direnv read by default: those beside an .envrc. */
export const byDirenv = 'direnv evaluates it again when it changes (use nix, use flake)';

export const shellRules = (): readonly AutoExecutedRule[] => [
  held(
    entered,
    'https://direnv.net/man/direnv-stdlib.1.html',
    `.envrc .envrc.local .envrc.private .direnv/
    .config/direnv/ ~/.config/direnv/ .direnvrc`,
  ),
  held(
    entered,
    'https://mise.jdx.dev/configuration.html',
    `mise.toml .mise.toml mise.*.toml .mise.*.toml
    .mise/ mise/config.toml mise/config.*.toml mise/conf.d/ .config/mise.toml .config/mise.*.toml
    .config/mise/ ~/.config/mise/ .rtx.toml .rtx.*.toml .rtx/ .config/rtx/ .env.mise`,
  ),
  held(
    'a version manager runs the programs that it names',
    'https://asdf-vm.com/manage/configuration.html',
    '.tool-versions .asdfrc .config/asdf/ .prototools',
  ),
  held(
    entered,
    'https://github.com/hyperupcall/autoenv',
    `.autoenv .autoenv.zsh .autoenv_leave.zsh
    .env.leave .ondirrc`,
  ),
  held(entered, 'https://shopify.github.io/shadowenv/', '.shadowenv.d/'),
  held(
    byDirenv,
    'https://github.com/nix-community/nix-direnv',
    'flake.nix flake.lock shell.nix default.nix nix/shell.nix guix.scm manifest.scm channels.scm',
  ),
  held(
    entered,
    'https://devenv.sh/automatic-shell-activation/',
    `devenv.nix devenv.yaml devenv.yml devenv.lock
    devenv.local.nix devenv.local.yaml .devenv/ .devenv.flake.nix`,
  ),
  held(
    entered,
    'https://www.jetify.com/docs/devbox/configuration/',
    'devbox.json devbox.lock .devbox/ devbox.d/',
  ),
  held(entered, 'https://flox.dev/docs/', '.flox/'),
  mayGo(
    held(
      'shells and editors run it instead of the system’s Python',
      'https://docs.python.org/3/library/venv.html',
      '.venv/bin/ venv/bin/ .virtualenv/bin/ pyvenv.cfg .pdm-python',
    ),
  ),
  held(
    'Python runs it at start-up',
    'https://docs.python.org/3/library/site.html',
    'sitecustomize.py usercustomize.py *.pth',
  ),
  held(
    'the shell runs it at start-up',
    'https://www.gnu.org/software/bash/manual/bash.html#Bash-Startup-Files',
    `
    .bashrc .bash_profile .bash_login .bash_logout .bash_aliases .bash_functions .bash_completion
    .bash_completion.d/ .bash.d/ .bashrc.d/ .profile .profile.d/ .inputrc .bash_it/ .oh-my-bash/`,
  ),
  held(
    'the shell runs it at start-up',
    'https://zsh.sourceforge.io/Doc/Release/Files.html',
    `
    .zshrc .zshenv .zprofile .zlogin .zlogout .zshrc.d/ .zshrc.local .zsh/ .zsh_aliases .oh-my-zsh/
    .p10k.zsh .zpreztorc .zimrc .config/zsh/ ~/.config/zsh/ *.zwc`,
  ),
  held(
    'the shell runs it at start-up',
    'https://fishshell.com/docs/current/language.html#configuration-files',
    '.config/fish/ ~/.config/fish/ ~/.local/share/fish/',
  ),
  held(
    'the shell runs it at start-up',
    'https://man.openbsd.org/ksh',
    `.kshrc .mkshrc .cshrc .tcshrc .login
    .logout .xonshrc .config/xonsh/ .config/nushell/ .config/elvish/ .config/powershell/ .elvish/
    .config/starship.toml .config/oil/ ~/.config/nushell/ ~/.config/powershell/`,
  ),
  held(
    'the terminal runs the commands that it names',
    'https://man.openbsd.org/tmux',
    `.tmux.conf
    .tmux.conf.local .tmux/ .config/tmux/ .screenrc .byobu/ .config/zellij/ .config/kitty/
    .config/wezterm/ .wezterm.lua .config/alacritty/ .config/ghostty/ .config/foot/ .hyper.js
    ~/.config/tmux/ ~/.config/zellij/ ~/.config/kitty/ ~/.config/wezterm/ ~/.config/ghostty/`,
  ),
  held(
    'your login session runs files here',
    'https://specifications.freedesktop.org/autostart-spec/latest/',
    `
    .config/autostart/ .config/systemd/ .config/environment.d/ .config/plasma-workspace/ .local/bin/
    .local/lib/ .local/share/applications/ .local/share/dbus-1/ .local/share/systemd/
    .local/share/nautilus/ .local/share/kservices5/ .xinitrc .xserverrc .xprofile .xsession .xsessionrc
    .xresources .xdefaults .pam_environment .i3/ .config/i3/ .config/sway/ .config/hypr/ .config/river/
    .config/bspwm/ .config/sxhkd/ .config/awesome/ .config/qtile/ .config/openbox/ .config/labwc/
    .config/niri/ .config/waybar/ .config/polybar/ .config/dunst/ .config/mako/ .xmonad/ .fluxbox/
    .fvwm/ ~/.config/autostart/ ~/.config/systemd/ ~/.config/environment.d/
    ~/.config/sway/ ~/.config/hypr/ ~/.config/i3/ ~/.local/bin/ ~/.local/lib/ ~/.local/share/applications/
    ~/.local/share/dbus-1/ ~/.local/share/systemd/ ~/bin/`,
  ),
  held(
    'it decides who can log in and what ssh runs',
    'https://man.openbsd.org/ssh_config',
    '.ssh/ ~/.ssh/',
  ),
  held(
    'GnuPG trusts it and runs what it names',
    'https://www.gnupg.org/documentation/manuals/gnupg/',
    `.gnupg/
    ~/.gnupg/ .password-store/`,
  ),
  held(
    'programs here take precedence over others of the same name',
    'https://specifications.freedesktop.org/basedir-spec/latest/',
    `
    ~/.cargo/bin/ ~/.cargo/env ~/.cargo/config.toml ~/.rustup/ ~/go/bin/ ~/.deno/bin/ ~/.bun/bin/
    ~/.volta/ ~/.nvm/ ~/.fnm/ ~/.pyenv/ ~/.rbenv/ ~/.nodenv/ ~/.asdf/ ~/.sdkman/ ~/.npm-global/
    ~/.linuxbrew/ ~/homebrew/ ~/.local/share/fnm/
    ~/.local/share/mise/ ~/.local/share/pnpm/ ~/.local/share/uv/ ~/.local/share/pipx/ ~/.krew/ ~/.dotnet/`,
  ),
  note(
    'programs and the shell read environment variables from it',
    'https://docs.docker.com/compose/how-tos/environment-variables/',
    `
    .env .env.* .flaskenv`,
  ),
  note(
    'a version manager uses the version that it names',
    'https://mise.jdx.dev/configuration.html',
    `
    .nvmrc .node-version .python-version .python-versions .ruby-version .ruby-gemset .java-version .go-version
    .sdkmanrc .terraform-version .crystal-version .exenv-version .php-version .bun-version .dvmrc`,
  ),
];
