/** `wasbox policy import` and `export`: policies of other tools. */
import { UsageError } from '../../errors/index.js';
import type { OptionEntry } from '../../options/index.js';
import {
  type ExportedPolicy,
  type ExportFormat,
  exportPolicy,
  importFormats,
} from '../../policy/formats/index.js';
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
import { exportKubernetes, kubernetesOptions } from './kubernetes.js';
import { deliver, printDiagnostics, schemaVersion } from './output.js';

const jsonFlag = flag('json', 'print the result and the notes as JSON');

const toOption: OptionEntry = {
  ...fromOption,
  name: 'to',
  choices: [...Object.keys(importFormats).filter((name) => name !== 'bpf'), 'k8s'],
  help: 'the format to write; k8s for manifests: the policy, a NetworkPolicy and a pod',
  default: 'oci',
  property: 'to',
};

const formatOption: OptionEntry = {
  ...toOption,
  name: 'format',
  help: 'the same as --to',
  property: 'format',
};

/** @throws UsageError for two formats, or options of another */
function formatOf(values: Readonly<Record<string, unknown>>): ExportFormat | 'k8s' {
  const { to, format = to ?? 'oci' } = values;
  if (to !== undefined && to !== format) {
    throw new UsageError('ERR_USAGE', `two formats: --to ${to} and --format ${format}`, {
      hint: 'Give only one of them.',
    });
  }
  const extra = kubernetesOptions.find(({ property }) => Object.hasOwn(values, property));
  if (format !== 'k8s' && extra !== undefined) {
    throw new UsageError('ERR_USAGE', `--${extra.name} is for --to k8s only`, {
      hint: 'The other formats hold a system call policy and nothing else.',
    });
  }
  return format as ExportFormat | 'k8s';
}

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
      options: [
        toOption,
        formatOption,
        ...policyOptions,
        ...kubernetesOptions,
        outputOption,
        jsonFlag,
      ],
      maxOperands: 1,
    },
    argv,
  );
  if (parsed === undefined) return 0;
  const { values, operands } = parsed;
  const to = formatOf(values);
  const { text, diagnostics, equal } =
    to === 'k8s' ? exportKubernetes(operands[0], values) : exportFormat(operands[0], values, to);
  if (values.json === true) {
    deliver(`${jsonText({ schemaVersion, text, equal, diagnostics })}\n`, values.output);
  } else {
    printDiagnostics(diagnostics);
    deliver(text, values.output);
  }
  return 0;
}

function exportFormat(
  operand: string | undefined,
  values: Readonly<Record<string, unknown>>,
  to: ExportFormat,
): ExportedPolicy {
  const { source, options, remarks } = readPolicy(operand, values);
  const exported = exportPolicy(source, { ...options, to });
  return { ...exported, diagnostics: [...remarks, ...exported.diagnostics] };
}
