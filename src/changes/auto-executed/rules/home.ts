/** The catalogue: files of the home that programs of the desktop, of mail and of development obey. */
import { type AutoExecutedRule, held } from './rule.js';

const names = 'it names programs that the tool runs';
const starts = 'the interpreter runs it at start-up';
const desktop = 'the desktop runs the commands or extensions in it';
const first = 'programs here take precedence over others of the same name';
const plugins = 'the tool loads plugins and commands from it';

export const homeRules = (): readonly AutoExecutedRule[] => [
  held(
    'Debian’s sensible-editor runs it as a shell script',
    'https://manpages.debian.org/testing/sensible-utils/sensible-editor.1.en.html',
    '~/.selected_editor',
  ),
  held(
    'rvm runs it when you enter the directory',
    'https://rvm.io/workflow/rvmrc',
    '.rvmrc ~/.rvm/',
  ),
  held(
    'zsh runs it when it sets up completion',
    'https://zsh.sourceforge.io/Doc/Release/Completion-System.html',
    '~/.zcompdump* ~/.zfunc/ ~/.local/share/zsh/ ~/.zinit/ ~/.local/share/zinit/ ~/.antigen/ ~/.zplug/ ~/.antidote/',
  ),
  held(
    'the shell runs it at start-up',
    'https://github.com/junegunn/fzf#setting-up-shell-integration',
    '~/.fzf/ ~/.fzf.bash ~/.fzf.zsh ~/.iterm2_shell_integration.* ~/.config/broot/ ~/.config/oh-my-posh/ ~/.config/elvish/',
  ),
  held(
    'it chooses the program that opens a file',
    'https://specifications.freedesktop.org/mime-apps-spec/latest/',
    '~/.config/mimeapps.list ~/.local/share/mime/',
  ),
  held(
    desktop,
    'https://wiki.archlinux.org/title/Autostarting',
    `~/.config/lxsession/ ~/.config/xfce4/ ~/.config/autorandr/ ~/.config/rofi/ ~/.config/wofi/ ~/.config/eww/
    ~/.config/swayidle/ ~/.config/i3status/ ~/.config/pulse/ ~/.config/pipewire/ ~/.config/wireplumber/
    ~/.config/dconf/ ~/.config/libinput-gestures.conf ~/.config/espanso/ ~/.config/fusuma/ ~/.sxhkdrc
    ~/.config/kglobalshortcutsrc ~/.config/khotkeysrc ~/.dmrc`,
  ),
  held(
    desktop,
    'https://gjs.guide/extensions/development/creating.html',
    '~/.local/share/gnome-shell/ ~/.local/share/cinnamon/ ~/.local/share/plasma/ ~/.local/share/kwin/',
  ),
  held(
    'it decides what a sandboxed application may do',
    'https://docs.flatpak.org/en/latest/flatpak-command-reference.html',
    '~/.local/share/flatpak/ ~/.var/app/',
  ),
  held(
    'a browser loads settings and extensions from it',
    'https://qutebrowser.org/doc/help/configuring.html',
    `~/.config/qutebrowser/ ~/.local/share/qutebrowser/ ~/.librewolf/ ~/.config/vivaldi/ ~/.config/opera/
    ~/.config/microsoft-edge/ ~/snap/`,
  ),
  held(
    'the editor loads settings and extensions from it',
    'https://www.jetbrains.com/help/idea/directories-used-by-the-ide-to-store-settings-caches-plugins-and-logs.html',
    `~/.config/jetbrains/ ~/.local/share/jetbrains/ ~/.config/google/ ~/.config/cursor/ ~/.vscode-oss/
    ~/.config/sublime-text/ ~/.config/sublime-text-3/ ~/.local/share/zed/ ~/.config/micro/ ~/.config/kak/`,
  ),
  held(
    starts,
    'https://jupyter-client.readthedocs.io/en/stable/kernels.html#kernel-specs',
    '~/.local/share/jupyter/ ~/.virtualenvs/ ~/.local/share/virtualenvs/',
  ),
  held(
    starts,
    'https://downloads.haskell.org/ghc/latest/docs/users_guide/ghci.html#the-ghci-and-haskeline-files',
    '~/.ghc/ ~/.config/ghc/ ~/.julia/ ~/.config/irb/ ~/.config/pry/ ~/.config/r/ ~/.config/rstudio/ ~/.config/gdb/',
  ),
  held(
    first,
    'https://www.haskell.org/ghcup/guide/',
    `~/.ghcup/ ~/.cabal/ ~/.stack/ ~/.opam/ ~/.elan/ ~/.rye/ ~/.pixi/ ~/.proto/ ~/.jenv/ ~/.goenv/ ~/.tfenv/
    ~/.phpenv/ ~/.juliaup/ ~/.swiftly/ ~/.foundry/ ~/.yarn/ ~/.npm-packages/ ~/.local/share/coursier/
    ~/.local/share/rtx/ ~/.local/share/swiftly/ ~/.wasmtime/ ~/.wasmer/ ~/.gem/ ~/.local/share/gem/
    ~/.nix-profile ~/.nix-defexpr/ ~/.nix-channels ~/.config/nix/ ~/.config/nixpkgs/ ~/.config/home-manager/
    ~/.guix-profile ~/.config/guix/ ~/.conda/ ~/.config/composer/ ~/.composer/`,
  ),
  held(
    'git runs the hooks that are installed there',
    'https://pre-commit.com/#managing-ci-caches',
    '~/.cache/pre-commit/ ~/.cache/prek/',
  ),
  held(
    'a package manager takes its registry and programs from it',
    'https://pnpm.io/npmrc',
    `~/.config/pnpm/ ~/.config/yarn/ ~/.config/nuget/ ~/.m2/toolchains.xml ~/.m2/extensions.xml ~/.config/hatch/
    ~/.config/conda/ ~/.ivy2/ ~/.config/coursier/ ~/.mix/ ~/.hex/ ~/.cargo/credentials.toml`,
  ),
  held(
    'version control runs the programs that it names',
    'https://svnbook.red-bean.com/en/1.7/svn.advanced.confarea.html',
    '.subversion/config ~/.subversion/ ~/.cvsrc ~/.bazaar/ ~/.arcrc ~/.tigrc ~/.config/tig/ ~/.config/gitui/',
  ),
  held(
    plugins,
    'https://helm.sh/docs/topics/plugins/',
    `~/.config/helm/ ~/.local/share/helm/ ~/.config/k9s/ ~/.local/share/k9s/ ~/.local/share/gh/ ~/.config/gh-dash/
    ~/.terraform.d/ ~/.pulumi/ ~/.vagrant.d/ ~/.config/packer/ ~/.packer.d/ ~/.local/share/heroku/ ~/.minikube/
    ~/.config/distrobox/ ~/.config/act/ ~/.actrc ~/.config/topgrade.toml ~/.config/rclone/`,
  ),
  held(
    names,
    'https://github.com/BurntSushi/ripgrep/blob/master/GUIDE.md#configuration-file',
    '~/.ripgreprc ~/.config/ripgrep/ ~/.config/lesskey ~/.lessfilter ~/.config/navi/ ~/.config/atuin/ ~/.config/tmuxinator/ ~/.tmuxinator/ ~/.tmuxp/',
  ),
  held(
    names,
    'https://neomutt.org/guide/configuration',
    `~/.mutt/ ~/.config/mutt/ ~/.config/neomutt/ ~/.mbsyncrc ~/.config/isyncrc ~/.offlineimaprc ~/.fetchmailrc
    ~/.getmail/ ~/.config/msmtp/ ~/.config/aerc/ ~/.config/himalaya/ ~/.notmuch-config ~/.config/notmuch/
    ~/.newsboat/ ~/.config/newsboat/`,
  ),
  held(
    names,
    'https://wiki.vifm.info/index.php/Main_Page',
    '~/.vifm/ ~/.config/vifm/ ~/.config/yazi/ ~/.config/nnn/ ~/.config/mc/ ~/.local/share/mc/ ~/.mc/',
  ),
  held(
    names,
    'https://taskwarrior.org/docs/hooks/',
    '~/.taskrc ~/.task/hooks/ ~/.config/task/ ~/.timewarrior/extensions/ ~/.irssi/ ~/.weechat/ ~/.config/weechat/ ~/.purple/',
  ),
];
