/** The catalogue: editors, debuggers and interpreters that read a directory's files. */
import { type AutoExecutedRule, held } from './rule.js';

const tasks = 'the editor runs the tasks that it names';
const starts = 'a tool runs it when started here';

export const editorRules = (): readonly AutoExecutedRule[] => [
  held(
    tasks,
    'https://code.visualstudio.com/docs/editing/workspaces/workspace-trust',
    `.vscode/
    *.code-workspace .theia/ .vscodium/ ~/.config/code/ ~/.config/vscodium/ ~/.vscode/ ~/.vscode-server/`,
  ),
  held(
    tasks,
    'https://www.jetbrains.com/help/idea/project-security.html',
    '.idea/ .run/ .fleet/ *.ipr *.iws',
  ),
  held(
    'the editor builds and runs a container from it',
    'https://containers.dev/implementors/spec/',
    '.devcontainer/ .devcontainer.json',
  ),
  held(
    'a language server runs the programs that it names, or loads them',
    'https://build-server-protocol.github.io/docs/overview/server-discovery',
    'buildserver.json .bsp/ rust-project.json hie.yaml .hie-bios .merlin',
  ),
  held(tasks, 'https://zed.dev/docs/configuring-zed', '.zed/ ~/.config/zed/'),
  held(
    tasks,
    'https://docs.helix-editor.com/configuration.html',
    '.helix/ .config/helix/ ~/.config/helix/',
  ),
  held(
    tasks,
    'https://learn.microsoft.com/en-us/visualstudio/ide/customize-build-and-debug-tasks-in-visual-studio',
    `
    .vs/ tasks.vs.json launch.vs.json`,
  ),
  held(
    tasks,
    'https://www.sublimetext.com/docs/projects.html',
    '*.sublime-project *.sublime-workspace',
  ),
  held(
    tasks,
    'https://help.eclipse.org/',
    '.project .externaltoolbuilders/ .settings/ .factorypath',
  ),
  held(
    tasks,
    'https://docs.kde.org/stable5/en/kate/kate/',
    `.kateproject .kateproject.* *.kdev4 .kdev4/ .lapce/
    .nova/ .atom/ .theia-ide/ nbproject/private/`,
  ),
  held(
    'Vim or Neovim runs it',
    'https://neovim.io/doc/user/options.html#%27exrc%27',
    `.vimrc .exrc .nvimrc
    .nvim.lua .gvimrc _vimrc _gvimrc _exrc .vim/ .nvim/ .config/nvim/ .config/vim/ .lvimrc .local.vimrc
    .vimrc.local .lazy.lua .neoconf.json .nlsp-settings/ coc-settings.json .projections.json
    .vimspector.json .ycm_extra_conf.py .ideavimrc .vsvimrc ~/.config/nvim/ ~/.config/vim/
    ~/.local/share/nvim/ ~/.vim/`,
  ),
  held(
    'Emacs runs it',
    'https://www.gnu.org/software/emacs/manual/html_node/emacs/Directory-Variables.html',
    `.emacs
    .emacs.el .emacs.d/ .dir-locals.el .dir-locals-2.el .dir-config.el .projectile .spacemacs
    .spacemacs.d/ .doom.d/ .config/emacs/ .config/doom/ ~/.config/emacs/ ~/.config/doom/ ~/.emacs.d/`,
  ),
  held(
    tasks,
    'https://github.com/mawww/kakoune',
    '.kakrc .config/kak/ .config/micro/ .nanorc .config/nano/ .config/lite-xl/',
  ),
  held(
    starts,
    'https://sourceware.org/gdb/current/onlinedocs/gdb.html/Init-File-in-the-Current-Directory.html',
    '.gdbinit .gdbearlyinit .lldbinit .lldbinit-* .radare2rc .rizinrc .pdbrc .pdbrc.py .perldb .rdbgrc .byebugrc',
  ),
  held(
    starts,
    'https://ipython.readthedocs.io/en/stable/config/intro.html',
    `.pythonrc .pythonrc.py .pythonstartup
    .ipython/ ipython_config.py ipython_kernel_config.py .jupyter/ jupyter_*_config.py jupyter_*_config.json jupyter_config.py jupyter_config.json
    .ptpython/ .bpython/`,
  ),
  held(starts, 'https://ruby.github.io/irb/', '.irbrc _irbrc irb.rc .pryrc .rubyopt'),
  held(
    starts,
    'https://stat.ethz.ch/R-manual/R-devel/library/base/html/Startup.html',
    '.rprofile .renviron .rdata rprofile.site renviron.site',
  ),
  held(
    starts,
    'https://downloads.haskell.org/ghc/latest/docs/users_guide/ghci.html',
    '.ghci .ghci.conf .haskeline .ocamlinit',
  ),
  held(
    starts,
    'https://docs.octave.org/latest/Startup-Files.html',
    '.octaverc startup.m finish.m pathdef.m scilab.ini maxima-init.mac maxima-init.lisp autoexec.sas profile.do pkg_add pkg_del .julia/config/ .juliarc.jl .maximarc .wolfram/',
  ),
  held(
    starts,
    'https://hexdocs.pm/iex/IEx.html',
    '.iex.exs .erlang .scalarc .clojure/ .lein/ .sbclrc .eclrc .guile .racketrc',
  ),
  held(
    starts,
    'https://www.sqlite.org/cli.html',
    '.sqliterc .psqlrc .my.cnf .duckdbrc .mongorc.js .mongoshrc.js',
  ),
  held(
    starts,
    'https://curl.se/docs/manpage.html',
    `.curlrc .wgetrc .mailcap .lesskey .lessfilter .ackrc .rpmmacros
    .quiltrc .devscripts .gbp.conf .reportbugrc .muttrc .msmtprc .urlview .ctags .ctags.d/`,
  ),
  held(
    'a tool takes its options, and programs to run, from it when started here',
    'https://docs.ctags.io/en/latest/man/ctags.1.html#files',
    'ctags.d/ gtags.conf .globalrc .mdlrc',
  ),
  held(
    'a web server reads its configuration from it and runs what it names',
    'https://www.php.net/manual/en/configuration.file.per-user.php',
    '.user.ini .htaccess php.ini php-cli.ini php-cgi.ini',
  ),
];
