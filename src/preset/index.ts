/** Presets: what a tool needs of a sandbox, as TOML files; their hosts are those of the user's configuration. */
export {
  type AskedPreset,
  askedPresets,
  presetNames,
  presetsFor,
  presetText,
  readPreset,
} from './preset.js';
export { askSources, type Found, rulesOf, withoutPassword } from './sources.js';
