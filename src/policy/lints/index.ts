/** Lints: what a policy means that its author hardly wants. */
import { type CorePlace, compile } from '../../core/index.js';
import { toCompiled } from '../compile.js';
import { locate } from '../diagnostics.js';
import type { PolicyDiagnostic } from '../format-diagnostic.js';
import { type CompileOptions, type PolicySource, requestOf } from '../source.js';
import { judge } from './decisions.js';
import { questions, remarksOn } from './meaning.js';
import { hasDefault, remarksOnText } from './text.js';

/** A character for each byte, so that places are the core's. */
const bytewise = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');

/** More would hide the first ones. */
const mostRemarks = 32;

const noDefault = {
  code: 'no-default',
  message: 'no `default`, so calls that no rule names get errno(EPERM)',
  hint: 'Write `default errno(EPERM)` to say so, or `default allow` where the rules list what to refuse.',
};

/**
 * Warnings about a policy that compiles, beside those of the compiler: calls that do the same as a
 * refused one, flags that a comparison misses, arguments that are not the ones they look like.
 * @throws PolicyError (`ERR_POLICY_INVALID`) where the policy has errors
 */
export function lintPolicy(source: PolicySource, options: CompileOptions = {}): PolicyDiagnostic[] {
  const request = requestOf(source, options);
  const result = compile(request);
  toCompiled(result);
  const { files, rules } = result;
  const found = new Map<string, PolicyDiagnostic>();
  const add = (
    place: CorePlace,
    { code, message, hint }: { code: string; message: string; hint: string },
  ) => {
    const { file, line, column, length, sourceLine } = locate(files, place);
    const key = `${file}:${line}:${column} ${code} ${message}`;
    if (found.has(key) || found.size >= mostRemarks) return;
    found.set(key, {
      ...{ severity: 'warning', code, message, hint, suggestion: undefined, related: undefined },
      ...{ file, line, column, length, sourceLine },
    });
  };
  const decoder = new TextDecoder();
  const texts = files.map(({ text }) => decoder.decode(text));
  if (rules.length > 0 && !hasDefault(texts)) add({ file: 0, start: 0, end: 1 }, noDefault);
  for (const rule of rules) {
    const bytes = files[rule.file]?.text.subarray(rule.start, rule.end);
    if (bytes === undefined || bytes.length > 4096) continue;
    for (const { at, length, ...remark } of remarksOnText(bytewise(bytes))) {
      const start = rule.start + at;
      add({ file: rule.file, start, end: start + length }, remark);
    }
  }
  for (const target of judge(request, result, questions))
    for (const { rule, ...remark } of remarksOn(target)) {
      const place = rules[rule];
      if (place !== undefined) add(place, remark);
    }
  return [...found.values()];
}
