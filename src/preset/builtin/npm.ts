/** npm and npx: the registry that npm is configured for, and a cache of packages. */

/** Where npm's registries are configured; other clients of npm packages ask there as well. */
export const npmSources = String.raw`# The first source of a name that finds something counts.
[[source]]
name = "registry"
variable = "npm_config_registry"

[[source]]
name = "registry"
variable = "NPM_CONFIG_REGISTRY"

[[source]]
name = "registry"
file = "~/.npmrc"
pattern = '^\s*registry\s*=\s*(\S+)'

[[source]]
name = "registry"
file = "/etc/npmrc"
pattern = '^\s*registry\s*=\s*(\S+)'

# npm's own default, as it is installed.
[[source]]
name = "registry"
file = "{npm}/../node_modules/@npmcli/config/lib/definitions/definitions.js"
pattern = "new Definition\\('registry',\\s*\\{\\s*default: '([^']+)'"

[[source]]
name = "registry"
file = "{npm}/../../@npmcli/config/lib/definitions/definitions.js"
pattern = "new Definition\\('registry',\\s*\\{\\s*default: '([^']+)'"

# Registries of scopes.
[[source]]
name = "scopes"
file = "~/.npmrc"
pattern = '^\s*@[\w.-]+:registry\s*=\s*(\S+)'
`;

export const npm = `about = "npm packages, from the registry that npm is configured for"
commands = ["npm", "npx"]
caches = ["~/.npm"]

${npmSources}
[environment]
npm_config_registry = "{registry}"
npm_config_update_notifier = "false"
`;
