/**
 * Policies of other tools. Apart from the index of `src/policy`, so that what only compiles a policy does
 * not load it.
 */
export {
  type ExportedPolicy,
  type ExportOptions,
  exportPolicy,
  type ImportedPolicy,
  type ImportOptions,
  importPolicy,
} from './convert.js';
export { type ImportFormat, importFormats } from './readers.js';
