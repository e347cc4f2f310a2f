/** `wasbox policy compile`: a policy as a filter. */

import type { OptionEntry } from '../../options/index.js';
import { compilePolicy, formatCHeader, lintPolicy, listFilter } from '../../policy/index.js';
import { jsonText } from '../../text/index.js';
import { err } from '../terminal.js';
import { parseVerb } from '../verb.js';
import { toJson } from './formats.js';
import { outputOption, policyOptions, readPolicy, weightsOption } from './input.js';
import { deliver, figuresText, printDiagnostics, schemaVersion } from './output.js';

const formatOption: OptionEntry = {
  name: 'format',
  kind: 'choice',
  metavar: 'FORMAT',
  choices: ['raw', 'asm', 'c', 'json'],
  group: 'Output',
  help: "raw: the kernel's struct sock_filter[], in the byte order of the target; asm: a listing; c: a header; json: instructions with their rules",
  default: 'raw',
  property: 'format',
  scope: 'cli',
};

export function compileVerb(argv: readonly string[]): number {
  const parsed = parseVerb(
    {
      name: 'policy compile',
      what: 'Compile a policy to a seccomp filter, and prove that the two are equal.',
      usage: 'FILE [--arch ARCH,…] [--kernel VERSION] [--format raw|asm|c|json] [-o FILE]',
      options: [...policyOptions, weightsOption, formatOption, outputOption],
      maxOperands: 1,
    },
    argv,
  );
  if (parsed === undefined) return 0;
  const { values, operands } = parsed;
  const { source, options, remarks } = readPolicy(operands[0], values);
  const compiled = compilePolicy(source, options);
  printDiagnostics([...remarks, ...compiled.diagnostics, ...lintPolicy(source, options)]);
  // Figures are printed only beside a file: standard output may be a pipe whose reader shows both streams.
  if (values.output !== undefined) err(figuresText(compiled));
  if (values.format === 'asm') {
    deliver(listFilter({ ...compiled, arch: compiled.targets[0] }), values.output);
  } else if (values.format === 'c') {
    deliver(formatCHeader(compiled, operands[0] ?? ''), values.output);
  } else if (values.format === 'json') {
    const value = { schemaVersion, ...toJson(compiled) };
    deliver(`${jsonText(value)}\n`, values.output);
  } else {
    deliver(compiled.bpf, values.output);
  }
  return 0;
}
