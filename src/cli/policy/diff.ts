/** `wasbox policy diff`: the calls that two policies decide differently. */
import { UsageError } from '../../errors/index.js';
import { diffPolicies, type PolicyDifference } from '../../policy/index.js';
import { out } from '../terminal.js';
import { flag, parseVerb } from '../verb.js';
import { archOption, fromOption, kernelOption, readPolicy } from './input.js';
import { hexText, printDiagnostics, printJson, safeLines } from './output.js';

function line(difference: PolicyDifference): string {
  const { arch, name, number, lastNumber, byArguments, args, firstText, secondText } = difference;
  const which =
    name ?? (number === lastNumber ? `call ${number}` : `calls ${number} to ${lastNumber}`);
  const example = byArguments ? `, for example (${args.map(hexText).join(', ')})` : '';
  return `${arch} ${which}: ${firstText} -> ${secondText}${example}`;
}

export function diffVerb(argv: readonly string[]): number {
  const parsed = parseVerb(
    {
      name: 'policy diff',
      what: 'List every call that two policies decide differently, each with an example. Exits 1 if there are any.',
      usage: 'A B [--arch ARCH,…] [--kernel VERSION] [--from FORMAT] [--json]',
      options: [archOption, kernelOption, fromOption, flag('json', 'print them as JSON')],
      maxOperands: 2,
    },
    argv,
  );
  if (parsed === undefined) return 0;
  const { values, operands } = parsed;
  const [a, b] = operands;
  if (a === undefined || b === undefined) {
    throw new UsageError('ERR_NO_OPERAND', 'needs two policies', {
      hint: 'For example: wasbox policy diff default my.policy',
    });
  }
  const first = readPolicy(a, values);
  const second = readPolicy(b, values);
  printDiagnostics([...first.remarks, ...second.remarks]);
  const differences = diffPolicies(first.source, second.source, first.options);
  if (values.json === true) {
    const shown = differences.map((d) => ({ ...d, args: d.args.map(hexText) }));
    printJson({ equal: differences.length === 0, differences: shown });
  } else if (differences.length === 0) {
    out('The two policies make the same decisions.\n');
  } else {
    for (const difference of differences) out(`${safeLines(line(difference))}\n`);
  }
  return differences.length === 0 ? 0 : 1;
}
