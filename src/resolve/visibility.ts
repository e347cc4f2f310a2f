/**
 * Lists what of the host a sandbox shows and what it hides, each with its reason: the one
 * place to read and to change that. Data only.
 *
 * All else is not there at all: home is empty, and so is everything outside these lists, the working
 * directory and what the user adds.
 */

export interface SystemPlace {
  readonly path: string;
  readonly reason: string;
}

/**
 * Shown read-only, as on the host: a symlink stays a symlink (merged /usr), a directory is mounted.
 * Every mount costs about 7 µs of start-up, so the list is short; what does not exist here is left
 * out. Directories only that hold no secrets and no sockets: a read-only mount does not stop
 * connect(2).
 */
export const systemPlaces: readonly SystemPlace[] = [
  { path: '/usr', reason: 'programs, libraries and their data' },
  { path: '/bin', reason: 'programs; a link into /usr where that is merged' },
  { path: '/sbin', reason: 'programs; a link into /usr where that is merged' },
  { path: '/lib', reason: 'libraries; a link into /usr where that is merged' },
  { path: '/lib32', reason: 'libraries of 32-bit programs' },
  { path: '/lib64', reason: 'the dynamic loader of 64-bit programs' },
  { path: '/libx32', reason: 'libraries of x32 programs' },
  { path: '/usr/local', reason: 'leads to /var on image-based systems' },
  { path: '/etc', reason: 'system configuration; only root can read its secrets' },
  { path: '/nix/store', reason: 'all programs of Nix' },
  { path: '/nix/var/nix/profiles', reason: 'the target of a Nix PATH (not the daemon’s socket)' },
  { path: '/run/current-system', reason: 'the target of the PATH of NixOS' },
  { path: '/gnu/store', reason: 'all programs of Guix' },
  { path: '/var/guix/profiles', reason: 'the target of a Guix PATH' },
  { path: '/var/lib/dpkg', reason: 'dpkg -S, dpkg-query and build tools that ask them' },
  {
    path: '/var/cache/fontconfig',
    reason: 'without it, each program with fonts scans them for seconds',
  },
  { path: '/var/lib/texmf', reason: 'TeX finds its formats and maps here' },
  { path: '/var/lib/ca-certificates', reason: 'the target of SUSE’s /etc/ssl/certs' },
  {
    path: '/sys/devices/system/cpu',
    reason: 'the number of processors (nproc, libc, OpenMP)',
  },
  { path: '/sys/devices/system/node', reason: 'NUMA layout, read by allocators and databases' },
];

/** Empty, writable, and the sandbox's own. */
export const privatePlaces: readonly { readonly path: string; readonly mode: number }[] = [
  { path: '/tmp', mode: 0o1777 },
  { path: '/var/tmp', mode: 0o1777 },
  { path: '/dev/shm', mode: 0o1777 },
];

export interface SecretPattern {
  readonly pattern: string;
  readonly reason: string;
}

/**
 * The files that `--hide-secrets` hides in the directories that are shown: files that usually hold keys and
 * tokens. Not hidden by default, because a project's own programs need some of them.
 */
export const secretPatterns: readonly SecretPattern[] = [
  { pattern: '**/.env', reason: 'settings of a program, with its passwords and keys' },
  {
    pattern: '**/.env.*',
    reason: 'settings of one environment (.env.local), with passwords and keys',
  },
  { pattern: '**/.envrc', reason: 'variables that direnv sets, tokens among them' },
  { pattern: '**/.netrc', reason: 'passwords for hosts, read by curl and git' },
  { pattern: '**/.git-credentials', reason: 'passwords that git stored' },
  { pattern: '**/.npmrc', reason: 'may hold a token for the registry' },
  { pattern: '**/.yarnrc.yml', reason: 'may hold a token for the registry' },
  { pattern: '**/.pypirc', reason: 'a password or token for the package index' },
  { pattern: '**/.pgpass', reason: 'passwords for databases' },
  { pattern: '**/.my.cnf', reason: 'passwords for databases' },
  { pattern: '**/.htpasswd', reason: 'hashes of passwords' },
  { pattern: '**/.docker/config.json', reason: 'log-ins to registries' },
  { pattern: '**/.dockercfg', reason: 'log-ins to registries' },
  { pattern: '**/.kube', reason: 'keys to clusters' },
  { pattern: '**/kubeconfig', reason: 'keys to clusters' },
  { pattern: '**/.aws', reason: 'keys to the cloud' },
  { pattern: '**/.azure', reason: 'keys to the cloud' },
  { pattern: '**/.config/gcloud', reason: 'keys to the cloud' },
  { pattern: '**/.ssh', reason: 'private keys' },
  { pattern: '**/.gnupg', reason: 'private keys' },
  { pattern: '**/id_rsa', reason: 'a private key of SSH' },
  { pattern: '**/id_dsa', reason: 'a private key of SSH' },
  { pattern: '**/id_ecdsa', reason: 'a private key of SSH' },
  { pattern: '**/id_ed25519', reason: 'a private key of SSH' },
  { pattern: '**/*.pem', reason: 'keys and certificates' },
  { pattern: '**/*.key', reason: 'a private key' },
  { pattern: '**/*.p12', reason: 'keys with their certificates' },
  { pattern: '**/*.pfx', reason: 'keys with their certificates' },
  { pattern: '**/*.jks', reason: 'a key store of Java' },
  { pattern: '**/*.keystore', reason: 'a key store of Java' },
  { pattern: '**/*.kdbx', reason: 'a password safe' },
  { pattern: '**/*.tfstate', reason: 'the state of Terraform, with every secret in it' },
  { pattern: '**/*.tfvars', reason: 'variables of Terraform' },
  { pattern: '**/terraform.tfstate.d', reason: 'the state of Terraform' },
  { pattern: '**/secrets.y*ml', reason: 'secrets, by its name' },
  { pattern: '**/credentials.json', reason: 'a service account or log-in' },
  { pattern: '**/service-account*.json', reason: 'a key of a service account' },
  { pattern: '**/.vault-token', reason: 'a token for Vault' },
];

/**
 * The files that `--home cow` hides in the home beside them: what programs keep there of log-ins and of what was done.
 */
export const homeSecretPatterns: readonly SecretPattern[] = [
  { pattern: '**/.config/gh', reason: 'a token for GitHub' },
  { pattern: '**/.config/glab-cli', reason: 'a token for GitLab' },
  { pattern: '**/.config/hub', reason: 'a token for GitHub' },
  { pattern: '**/.config/op', reason: 'a password manager' },
  { pattern: '**/.config/rclone', reason: 'log-ins to storage' },
  { pattern: '**/.config/doctl', reason: 'keys to the cloud' },
  { pattern: '**/.config/helm', reason: 'log-ins to registries' },
  { pattern: '**/.config/containers/auth.json', reason: 'log-ins to registries' },
  { pattern: '**/.config/git/credentials', reason: 'passwords that git stored' },
  { pattern: '**/.config/pypoetry/auth.toml', reason: 'log-ins to package indexes' },
  { pattern: '**/.config/sops', reason: 'private keys' },
  { pattern: '**/.config/age', reason: 'private keys' },
  { pattern: '**/.oci', reason: 'keys to the cloud' },
  { pattern: '**/.cargo/credentials', reason: 'a token for the crate registry' },
  { pattern: '**/.cargo/credentials.toml', reason: 'a token for the crate registry' },
  { pattern: '**/.gem/credentials', reason: 'a token for RubyGems' },
  { pattern: '**/.m2/settings.xml', reason: 'passwords for repositories' },
  { pattern: '**/.m2/settings-security.xml', reason: 'passwords for repositories' },
  { pattern: '**/.gradle/gradle.properties', reason: 'passwords for repositories' },
  { pattern: '**/.terraform.d/credentials.tfrc.json', reason: 'a token for Terraform' },
  { pattern: '**/.password-store', reason: 'a password manager' },
  { pattern: '**/.pki', reason: 'certificates and keys of browsers' },
  { pattern: '**/.local/share/keyrings', reason: 'the key ring of the desktop' },
  { pattern: '**/.local/share/kwalletd', reason: 'the key ring of the desktop' },
  { pattern: '**/.mozilla', reason: 'passwords and cookies of a browser' },
  { pattern: '**/.thunderbird', reason: 'passwords and mail' },
  { pattern: '**/.config/google-chrome*', reason: 'passwords and cookies of a browser' },
  { pattern: '**/.config/chromium', reason: 'passwords and cookies of a browser' },
  { pattern: '**/.config/BraveSoftware', reason: 'passwords and cookies of a browser' },
  { pattern: '**/.config/microsoft-edge*', reason: 'passwords and cookies of a browser' },
  { pattern: '**/.config/vivaldi', reason: 'passwords and cookies of a browser' },
  { pattern: '**/snap/firefox', reason: 'passwords and cookies of a browser' },
  { pattern: '**/.var/app', reason: 'data of desktop programs' },
  { pattern: '**/.claude', reason: 'log-ins and conversations' },
  { pattern: '**/.codex', reason: 'log-ins and conversations' },
  { pattern: '**/.*_history', reason: 'what was typed, with secrets in it' },
  { pattern: '**/.local/share/fish/fish_history', reason: 'what was typed, with secrets in it' },
];
