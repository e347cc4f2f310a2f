/** The option table of `wasbox run`, and everything that reads option values: parser, validation, network rules, patterns, quoting. */
export { advisedOptions } from './advised.js';
export { hostOption, pathOption } from './exact-advice.js';
export { foreignOption } from './foreign-options.js';
export { type Glob, type GlobState, isPattern, parseGlob, startState, step } from './glob.js';
export { jobLimits } from './job-limits.js';
export { joinMapping, splitMapping } from './mapping.js';
export {
  type AddressBlock,
  addressText,
  blockOf,
  blockText,
  isMapped,
  readAddressBytes,
} from './net-address.js';
export { netParts, netRulesOf, netWord } from './net-option.js';
export { type NetRule, readNetRule, readNetRules } from './net-rules.js';
export { type ParsedLine, parseLine, parseRunArguments } from './parse.js';
export { alternatives, shellQuote, shellUnquote } from './quoting.js';
export { joinRules, splitOptions, withAdvice } from './rewrite.js';
export {
  asksQuestions,
  type ChangesPolicy,
  type ResolveOptions,
  type RunArguments,
  type RunOptions,
  type TerminalSize,
} from './run-options.js';
export { spoken, spokenOption } from './spoken.js';
export { suggest } from './suggest.js';
export { type OptionEntry, runOptionTable } from './table.js';
export { callProperties, describeValue, validateRunOptions } from './validate.js';
export { type NetworkOption, netWords, type PathMapping, type VariableMap } from './value-types.js';
export { durationText, readValue, sizeText } from './values.js';
export { isVariableName } from './variable-name.js';
