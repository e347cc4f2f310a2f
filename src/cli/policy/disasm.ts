/** `wasbox policy disasm`: a filter, or what a policy compiles to, as text. */
import { builtinNames, compilePolicy, listFilter } from '../../policy/index.js';
import { parseVerb } from '../verb.js';
import {
  firstArch,
  isFilter,
  ofFilter,
  outputOption,
  policyOptions,
  readInput,
  readPolicy,
} from './input.js';
import { deliver, printDiagnostics } from './output.js';

export function disasmVerb(argv: readonly string[]): number {
  const parsed = parseVerb(
    {
      name: 'policy disasm',
      what: 'Disassemble a filter in raw form, or the one that a policy compiles to.',
      usage: 'FILE [--arch ARCH] [--kernel VERSION] [--from FORMAT] [-o FILE]',
      options: [...policyOptions, outputOption],
      maxOperands: 1,
    },
    argv,
  );
  if (parsed === undefined) return 0;
  const { values, operands } = parsed;
  const [file] = operands;
  if (file !== undefined && file !== '-' && !builtinNames().includes(file)) {
    const bytes = readInput(file);
    if (isFilter(file, bytes)) {
      const arch = firstArch(values);
      deliver(
        ofFilter(file, () => listFilter({ bpf: bytes, arch })),
        values.output,
      );
      return 0;
    }
  }
  const { source, options, remarks } = readPolicy(file, values);
  const compiled = compilePolicy(source, options);
  printDiagnostics([...remarks, ...compiled.diagnostics]);
  deliver(listFilter({ ...compiled, arch: compiled.targets[0] }), values.output);
  return 0;
}
