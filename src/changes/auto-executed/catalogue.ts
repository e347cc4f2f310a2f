/**
 * What runs later by itself: the catalogue behind the flags `held` and `runs-later`.
 *
 * `held` is applied only when it is named: nothing that the user starts on purpose runs it. `note` is an
 * ordinary project file that a build or a test runs, so it is only pointed out. Where several rows match, a
 * held one comes first, then the order here.
 */
import { agentRules } from './rules/agents.js';
import { buildRules } from './rules/builds.js';
import { editorRules } from './rules/editors.js';
import type { AutoExecutedRule } from './rules/rule.js';
import { shellRules } from './rules/shells.js';
import { toolRules } from './rules/tools.js';
import { versionControlRules } from './rules/version-control.js';

export type { AutoExecutedRule } from './rules/rule.js';

/** The rows, made anew by each call: most runs change nothing, and need none. */
export const autoExecutedRules = (): readonly AutoExecutedRule[] => [
  ...versionControlRules(),
  ...shellRules(),
  ...editorRules(),
  ...toolRules(),
  ...agentRules(),
  ...buildRules(),
];
