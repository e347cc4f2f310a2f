/** Reads what a value of `--net` is: one of its words, or rules. */
import { type NetRule, readNetRule, readNetRules } from './net-rules.js';
import type { NetworkOption } from './value-types.js';

/** The one word or rule that a value is; undefined of several, and of none. */
export const netWord = (net: NetworkOption): string | undefined =>
  typeof net === 'string' ? net : net.length === 1 ? net[0] : undefined;

/** Returns the option's parts, which are words or rules. */
export const netParts = (net: NetworkOption): readonly string[] =>
  typeof net === 'string' ? net.split(',') : net;

/** Returns the option's rules. @throws UsageError */
export const netRulesOf = (option: string, net: NetworkOption): NetRule[] =>
  typeof net === 'string'
    ? readNetRules(option, net)
    : net.map((rule) => readNetRule(option, rule));
