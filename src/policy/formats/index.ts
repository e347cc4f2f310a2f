/**
 * Policies of other tools. Apart from the index of `src/policy`, so that what only compiles a policy does
 * not load it.
 */
export { type ImportedPolicy, type ImportOptions, importPolicy } from './convert.js';
export {
  type ExportedPolicy,
  type ExportFormat,
  type ExportOptions,
  exportPolicy,
} from './export.js';
export { filesNamedIn } from './named-files.js';
export { type ImportFormat, importFormats } from './readers.js';
