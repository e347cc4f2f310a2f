/** The presets that come with wasbox, by name: each is a TOML file. */
import { aptSrc } from './apt-src.js';
import { cargo } from './cargo.js';
import { git } from './git.js';
import { go } from './go.js';
import { make } from './make.js';
import { npm } from './npm.js';
import { pip } from './pip.js';
import { pnpm } from './pnpm.js';
import { uv } from './uv.js';

export const builtinPresets: Readonly<Record<string, string>> = {
  'apt-src': aptSrc,
  cargo,
  git,
  go,
  make,
  npm,
  pip,
  pnpm,
  uv,
};
