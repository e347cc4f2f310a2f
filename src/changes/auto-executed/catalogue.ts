/**
 * The catalogue of auto-executed files, behind the flags `held` and `runs-later`.
 *
 * A `held` file is applied only when named: another program runs it without the user starting it. A `note`
 * is an ordinary project file that a build or a test runs; it is only marked. If several rows match, held
 * ones come first, then the order here. A name that begins with a dot and is in no row is held.
 */
import { agentRules } from './rules/agents.js';
import { buildRules } from './rules/builds.js';
import { editorRules } from './rules/editors.js';
import { harmlessRules } from './rules/harmless.js';
import { homeRules } from './rules/home.js';
import type { AutoExecutedRule } from './rules/rule.js';
import { shellRules } from './rules/shells.js';
import { toolRules } from './rules/tools.js';
import { versionControlRules } from './rules/version-control.js';

export type { AutoExecutedRule } from './rules/rule.js';

/** Built by each call, not at load time: most runs change nothing and need no rows. */
export const autoExecutedRules = (): readonly AutoExecutedRule[] => [
  ...versionControlRules(),
  ...shellRules(),
  ...editorRules(),
  ...toolRules(),
  ...homeRules(),
  ...agentRules(),
  ...buildRules(),
  ...harmlessRules(),
];
