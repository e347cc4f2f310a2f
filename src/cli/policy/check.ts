/** `wasbox policy check`: does a policy compile, and what is odd about it? */
import {
  compilePolicy,
  formatDiagnostic,
  lintPolicy,
  PolicyError,
  widthText,
} from '../../policy/index.js';
import { err, out } from '../terminal.js';
import { flag, parseVerb } from '../verb.js';
import { policyOptions, readPolicy, weightsOption } from './input.js';
import { figuresText, printDiagnostics, printJson } from './output.js';

export function checkVerb(argv: readonly string[]): number {
  const parsed = parseVerb(
    {
      name: 'policy check',
      what: 'Check a policy: compile it, prove the filter, and print errors and warnings.',
      usage: 'FILE [--arch ARCH,…] [--kernel VERSION] [--from FORMAT] [--json]',
      options: [...policyOptions, weightsOption, flag('json', 'print the findings as JSON')],
      maxOperands: 1,
    },
    argv,
  );
  if (parsed === undefined) return 0;
  const json = parsed.values.json === true;
  try {
    const { source, options, remarks } = readPolicy(parsed.operands[0], parsed.values);
    const compiled = compilePolicy(source, options);
    const { diagnostics, figures, instructions, targets, compared } = compiled;
    const all = [...remarks, ...diagnostics, ...lintPolicy(source, options)];
    if (json) {
      printJson({ ok: true, diagnostics: all, targets, instructions, figures, compared });
      return 0;
    }
    printDiagnostics(all);
    out(figuresText(compiled));
    for (const one of compared) out(`  ${widthText(one)}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof PolicyError) || error.diagnostics.length === 0) throw error;
    if (json) printJson({ ok: false, diagnostics: error.diagnostics });
    else for (const diagnostic of error.diagnostics) err(`${formatDiagnostic(diagnostic)}\n`);
    return 1;
  }
}
