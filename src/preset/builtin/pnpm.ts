/** pnpm: the registry that npm is configured for, and a store and a cache of packages. */
import { npmSources } from './npm.js';

export const pnpm = `about = "npm packages with pnpm, from the registry that npm is configured for"
commands = ["pnpm", "pnpx"]
caches = ["~/.local/share/pnpm/store", "~/.cache/pnpm", "~/.local/state/pnpm"]

${npmSources}
[environment]
npm_config_registry = "{registry}"
npm_config_update_notifier = "false"
# pnpm 11 and newer read these.
pnpm_config_registry = "{registry}"
pnpm_config_update_notifier = "false"
`;
