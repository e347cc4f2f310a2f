/** `wasbox policy explain`: which rules decide a call, and which calls a rule decides. */
import { type ExplainedCall, explain } from '../../policy/index.js';
import { out } from '../terminal.js';
import { flag, parseVerb } from '../verb.js';
import { policyOptions, readPolicy } from './input.js';
import { hexText, printDiagnostics, printJson, safeLines } from './output.js';

const place = (rule: ExplainedCall['cases'][number]['rule']): string =>
  rule === undefined ? 'default' : `${rule.file}:${rule.line}`;

function showCall({ name, number, arch, cases, runsFilter }: ExplainedCall): string {
  const lines = cases.map(({ actionText, rule, args }) => {
    const example = cases.length === 1 ? '' : `  for example (${args.map(hexText).join(', ')})`;
    return `  ${actionText.padEnd(16)} ${place(rule)}${example}`;
  });
  const cached = runsFilter
    ? '  the filter runs for each call'
    : '  Linux 5.11 and newer allow it without running the filter';
  return [`${name} (${number} on ${arch})`, ...lines, cached].join('\n');
}

/** The calls by what decides them; one that several rules decide is marked. */
function showRules(calls: readonly ExplainedCall[]): string {
  const byRule = new Map<string, string[]>();
  for (const { name, cases } of calls)
    for (const { actionText, rule } of cases) {
      const key = `${place(rule)}: ${actionText}`;
      byRule.set(key, [...(byRule.get(key) ?? []), cases.length > 1 ? `${name}*` : name]);
    }
  const blocks = [...byRule].map(([rule, names]) => `${rule}\n  ${names.join(' ')}`);
  const filtered = calls.filter((call) => call.runsFilter).length;
  const cost = `From Linux 5.11 on the filter runs for ${filtered} of ${calls.length} calls; the kernel knows that the others are allowed.`;
  return `${blocks.join('\n')}\n${cost}\n* depends on arguments: wasbox policy explain FILE CALL shows how`;
}

export function explainVerb(argv: readonly string[]): number {
  const parsed = parseVerb(
    {
      name: 'policy explain',
      what: 'Show which rules decide a call, with an example for each; without a call, what each rule decides.',
      usage: 'FILE [CALL…] [--arch ARCH] [--kernel VERSION] [--from FORMAT] [--json]',
      options: [...policyOptions, flag('json', 'print the cases as JSON')],
    },
    argv,
  );
  if (parsed === undefined) return 0;
  const [file, ...names] = parsed.operands;
  const { source, options, remarks } = readPolicy(file, parsed.values);
  printDiagnostics(remarks);
  const calls = explain(source, { ...options, calls: names.length === 0 ? undefined : names });
  if (parsed.values.json === true) {
    const shown = calls.map((call) => ({
      ...call,
      cases: call.cases.map((one) => ({ ...one, args: one.args.map(hexText) })),
    }));
    printJson({ calls: shown });
  } else if (names.length === 0) {
    out(`${safeLines(showRules(calls))}\n`);
  } else {
    for (const call of calls) out(`${safeLines(showCall(call))}\n`);
  }
  return 0;
}
