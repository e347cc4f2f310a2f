/** `wasbox policy import` and `export`: policies of other tools. */
import { UsageError } from '../../errors/index.js';
import type { OptionEntry } from '../../options/index.js';
import { type ExportFormat, exportPolicy, importFormats } from '../../policy/formats/index.js';
import { jsonText } from '../../text/index.js';
import { flag, parseVerb } from '../verb.js';
import {
  archOption,
  capabilityOption,
  fromOption,
  importFile,
  outputOption,
  partOption,
  policyOptions,
  readPolicy,
} from './input.js';
import { deliver, printDiagnostics, schemaVersion } from './output.js';

const jsonFlag = flag('json', 'print the result and the notes as JSON');

const toOption: OptionEntry = {
  ...fromOption,
  name: 'to',
  choices: Object.keys(importFormats).filter((name) => name !== 'bpf'),
  help: 'the format to write',
  default: 'oci',
  property: 'to',
};

export function importVerb(argv: readonly string[]): number {
  const parsed = parseVerb(
    {
      name: 'policy import',
      what: 'Convert the policy of another tool to the policy language of wasbox.',
      usage: '--from FORMAT FILE [--part NAME] [--arch ARCH,…] [--cap CAP_NAME] [-o FILE] [--json]',
      options: [fromOption, partOption, archOption, capabilityOption, outputOption, jsonFlag],
      maxOperands: 1,
    },
    argv,
  );
  if (parsed === undefined) return 0;
  const { values, operands } = parsed;
  const [file] = operands;
  if (file === undefined || values.from === undefined) {
    throw new UsageError('ERR_USAGE', 'import needs --from FORMAT and a file', {
      hint: 'For example: wasbox policy import --from oci /usr/share/containers/seccomp.json',
    });
  }
  const { text, diagnostics } = importFile(file, values);
  if (values.json === true) {
    const value = { schemaVersion, policy: text, diagnostics };
    deliver(`${jsonText(value)}\n`, values.output);
    return 0;
  }
  printDiagnostics(diagnostics);
  deliver(text, values.output);
  return 0;
}

export function exportVerb(argv: readonly string[]): number {
  const parsed = parseVerb(
    {
      name: 'policy export',
      what: 'Convert a policy to the format of another tool, read it again, and tell each difference.',
      usage:
        'FILE [--to FORMAT] [--from FORMAT] [--arch ARCH,…] [--kernel VERSION] [-o FILE] [--json]',
      options: [toOption, ...policyOptions, outputOption, jsonFlag],
      maxOperands: 1,
    },
    argv,
  );
  if (parsed === undefined) return 0;
  const { values, operands } = parsed;
  const { source, options, remarks } = readPolicy(operands[0], values);
  const to = (values.to ?? 'oci') as ExportFormat;
  const { text, diagnostics, equal } = exportPolicy(source, { ...options, to });
  const all = [...remarks, ...diagnostics];
  if (values.json === true) {
    deliver(`${jsonText({ schemaVersion, text, equal, diagnostics: all })}\n`, values.output);
  } else {
    printDiagnostics(all);
    deliver(text, values.output);
  }
  return 0;
}
