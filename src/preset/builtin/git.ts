/** git: who you are, for commits. Hosts are those of a repository, which may be anybody's: --net names them. */
export const git = `about = "git with your name, aliases and ignored files, but without credentials and keys"
commands = ["git"]
# ~/.config/git/credentials is not among them.
read-only = ["~/.gitconfig", "~/.config/git/config", "~/.config/git/ignore", "~/.config/git/attributes"]
`;
