/**
 * Options that allow exactly what a program was refused. The program chooses the names that it looks up and the paths that
 * it opens: one may be a keyword (`internet`), a pattern (`*.example.com`), a block of addresses, a list, or `PATH:DEST`.
 * What cannot be said exactly is not advised.
 */

import { displayText } from '../text/index.js';
import { joinMapping } from './mapping.js';
import { type NetRule, readNetRule } from './net-rules.js';
import { shellQuote } from './quoting.js';

/**
 * The option that lets a program reach one host, with the rules that it has already.
 *
 * @param kind of what the program gave: a name that it looked up may be spelled as an address, which it did not dial
 * @param host as the program gave it
 * @param port 0 for all: a name that was looked up has none
 * @param rules of the run; `none` if the network is off
 * @returns undefined if no rule means this host and nothing else
 */
export function hostOption(
  kind: 'name' | 'address',
  host: string,
  port = 0,
  rules = 'none',
): string | undefined {
  const bracketed = port > 0 && host.includes(':') ? `[${host}]` : host;
  const text = port > 0 ? `${bracketed}:${port}` : bracketed;
  let rule: NetRule;
  try {
    rule = readNetRule('--net', text);
  } catch {
    return undefined;
  }
  if (rule.kind !== kind || !meansOnly(rule, host, port)) return undefined;
  const list = [rules === 'none' ? '' : rules, rule.text].filter(Boolean).join(',');
  return `--net ${shellQuote(list)}`;
}

function meansOnly(rule: NetRule, host: string, port: number): boolean {
  if (port > 0 ? rule.from !== port || rule.to !== port : rule.from !== 0) return false;
  if (rule.kind === 'name') return !rule.wildcard && rule.name === host.toLowerCase();
  return rule.kind === 'address' && rule.block.prefix === 128;
}

/** An option that mounts a path where it is; undefined if it would mean another path, or cannot be typed. */
export function pathOption(option: '--ro' | '--rw' | '--cow', path: string): string | undefined {
  const mapping = joinMapping(path);
  if (mapping === undefined || !path.startsWith('/') || displayText(path) !== path)
    return undefined;
  return `${option} ${shellQuote(mapping)}`;
}
