/** Policies as the verbs of `wasbox policy` are given them. */
import { isUtf8 } from 'node:buffer';
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { UsageError, WasboxError } from '../../errors/index.js';
import type { OptionEntry } from '../../options/index.js';
import {
  filesNamedIn,
  type ImportedPolicy,
  type ImportFormat,
  importFormats,
  importPolicy,
} from '../../policy/formats/index.js';
import {
  type Architecture,
  builtinNames,
  type CompileOptions,
  type PolicyDiagnostic,
  PolicyError,
  type PolicySource,
} from '../../policy/index.js';

const option = (
  name: string,
  metavar: string,
  help: string,
  more: Partial<OptionEntry> = {},
): OptionEntry => ({
  name,
  kind: 'text',
  metavar,
  group: 'Program',
  help,
  property: name,
  scope: 'cli',
  ...more,
});

export const archOption = option(
  'arch',
  'ARCH[,ARCH…]',
  'architectures of the filter: x86_64, i386, x32, aarch64, arm, riscv64, ppc64le, s390x, mips64el, loongarch64',
  { default: "the policy's, or x86_64", repeatable: true },
);
export const kernelOption = option(
  'kernel',
  'VERSION',
  'the oldest kernel that will load the filter',
);
export const fromOption = option(
  'from',
  'FORMAT',
  `read the file as another tool's policy: ${Object.entries(importFormats)
    .map(([name, whose]) => `${name} (${whose})`)
    .join(', ')}`,
  { kind: 'choice', choices: Object.keys(importFormats) },
);
export const partOption = option(
  'part',
  'NAME',
  'the policy to read from a file with several, such as the threads of Firecracker',
);
export const capabilityOption = option(
  'cap',
  'CAP_NAME',
  'a capability of the payload, for OCI profile entries that depend on it',
  { repeatable: true },
);
export const weightsOption = option(
  'weights',
  'FILE',
  'call frequencies, one COUNT and NAME per line; the filter tests frequent calls first',
  { kind: 'path', default: 'a measured mix of programs' },
);
export const outputOption = option('output', 'FILE', 'write to FILE', {
  short: 'o',
  kind: 'path',
  default: 'standard output',
  group: 'Output',
});

/** The options that say how a policy is read. */
export const policyOptions = [archOption, kernelOption, fromOption, partOption, capabilityOption];

type Values = Readonly<Record<string, unknown>>;

const strings = (value: unknown): string[] =>
  Array.isArray(value) ? value.map(String) : value === undefined ? [] : [String(value)];

/** Values of an option that may be repeated, or hold several between commas. */
export const listOf = (value: unknown): string[] =>
  strings(value)
    .flatMap((text) => text.split(','))
    .map((text) => text.trim())
    .filter((text) => text !== '');

/** Targets and kernel, as the library takes them; unknown names are its to refuse. */
export function compileOptions(values: Values): CompileOptions {
  const arch = listOf(values.arch) as Architecture[];
  const kernel = values.kernel === undefined ? undefined : String(values.kernel);
  const weights =
    typeof values.weights === 'string'
      ? new TextDecoder().decode(
          readInput(values.weights, 'Each line is a count and a call name, such as: 120 openat'),
        )
      : undefined;
  return { arch: arch.length > 0 ? arch : undefined, kernel, weights };
}

/** Logs of strace are the longest that is read whole; a device would never end. */
const MOST_BYTES = 256 * 1024 * 1024;

/** Reads up to `most` bytes; undefined where there are more. */
function readUpTo(file: string | 0, most: number): Uint8Array | undefined {
  const fd = file === 0 ? 0 : openSync(file, 'r');
  try {
    const pieces: Buffer[] = [];
    let total = 0;
    for (;;) {
      const piece = Buffer.allocUnsafe(1 << 20);
      const got = readSync(fd, piece);
      if (got === 0) return Buffer.concat(pieces, total);
      total += got;
      if (total > most) return undefined;
      pieces.push(piece.subarray(0, got));
    }
  } finally {
    if (fd !== 0) closeSync(fd);
  }
}

/** Tells what may be given where a policy is asked for. */
const policyHint = (): string =>
  `Use a file, - for stdin, or a built-in policy: ${builtinNames().join(', ')}.`;

function unreadable(file: string, why: string, hint: string, cause?: unknown): WasboxError {
  return new WasboxError('ERR_POLICY_UNREADABLE', `${file}: ${why}`, { hint, cause });
}

/**
 * Bytes of a file, or of standard input for `-`.
 *
 * @param hint what kind of file it is to be, for the error
 */
export function readInput(file: string, hint: string = policyHint()): Uint8Array {
  let bytes: Uint8Array | undefined;
  try {
    bytes = readUpTo(file === '-' ? 0 : file, MOST_BYTES);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why: Readonly<Record<string, string>> = {
      ENOENT: 'no such file',
      EISDIR: 'is a directory',
      EACCES: 'permission denied',
    };
    throw unreadable(file, why[code ?? ''] ?? String(code), hint, cause);
  }
  if (bytes === undefined) throw unreadable(file, 'larger than 256 MiB', hint);
  return bytes;
}

/** A policy's text; a byte that is not UTF-8 is an error, wherever it is. */
function textOf(file: string, bytes: Uint8Array): string {
  if (!isUtf8(bytes)) {
    if (isFilter(file, bytes)) {
      throw new WasboxError('ERR_POLICY_UNREADABLE', `${file}: a binary file, not a policy`, {
        hint: 'Policies are text. For compiled filters: wasbox policy disasm, wasbox policy simulate',
      });
    }
    let line = 1;
    for (let start = 0; ; line++) {
      const end = bytes.indexOf(10, start);
      if (end < 0 || !isUtf8(bytes.subarray(start, end))) break;
      start = end + 1;
    }
    throw new WasboxError('ERR_POLICY_UNREADABLE', `${file}:${line}: not UTF-8`, {
      hint: 'Policies are UTF-8 text; names of compiled filters end in .bpf.',
    });
  }
  return new TextDecoder().decode(bytes);
}

/** A finished filter: a file that is named so, or that no text could be. */
export const isFilter = (file: string, bytes: Uint8Array): boolean =>
  file.endsWith('.bpf') || bytes.subarray(0, 65536).includes(0);

/** Uses a filter of `file`, which an error about its bytes then names. */
export function ofFilter<T>(file: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    if (!(error instanceof PolicyError) || error.code !== 'ERR_POLICY_INVALID') throw error;
    throw new PolicyError(error.code, error.diagnostics, `${file}: ${error.message}`, error.hint);
  }
}

/** The first of --arch, for what concerns one call or one program. */
export const firstArch = (values: Values): Architecture | undefined =>
  listOf(values.arch)[0] as Architecture | undefined;

/** Files beside the policy that `include` names; the core says where one is missing. */
function includesOf(base: string, text: string, found: Record<string, string> = {}) {
  for (const [, name = ''] of text.matchAll(/^\s*include\s+"([^"\n]+)"/gm)) {
    if (Object.hasOwn(found, name) || Object.keys(found).length >= 64) continue;
    try {
      const path = resolve(base, name);
      if (!statSync(path).isFile()) continue; // a device has no end, a pipe may have no beginning
      found[name] = textOf(name, readInput(path));
    } catch (error) {
      // Report files that can be read and are not a policy; the core reports missing files.
      if (error instanceof WasboxError && error.cause === undefined) throw error;
      continue;
    }
    includesOf(base, found[name] ?? '', found);
  }
  return found;
}

/** Reads another tool's policy, and the files that it includes. */
export function importFile(file: string, values: Values): ImportedPolicy {
  const bytes = readInput(file);
  const base = file === '-' ? '.' : dirname(file);
  return importPolicy(bytes, {
    from: values.from as ImportFormat,
    name: file,
    arch: compileOptions(values).arch,
    capabilities: listOf(values.cap),
    part: values.part === undefined ? undefined : String(values.part),
    includes: foreignIncludes(
      base,
      isUtf8(bytes) ? new TextDecoder().decode(bytes) : '',
      values.from as ImportFormat,
    ),
  });
}

/** Where profiles of firejail look for others. */
const firejailFolder = '/etc/firejail';

/** Reads what a policy of another tool includes; the reader of the format says where a file is missing. */
function foreignIncludes(
  base: string,
  text: string,
  from: ImportFormat,
  found: Record<string, string> = {},
) {
  const folders = from === 'firejail' ? [base, firejailFolder] : [base];
  for (const name of filesNamedIn(text, from)) {
    if (Object.hasOwn(found, name) || Object.keys(found).length >= 64) continue;
    const path = folders.map((folder) => resolve(folder, name)).find(isFile);
    if (path === undefined) continue;
    try {
      found[name] = textOf(name, readInput(path));
    } catch (error) {
      if (error instanceof WasboxError && error.cause === undefined) throw error;
      continue;
    }
    foreignIncludes(base, found[name] ?? '', from, found);
  }
  return found;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

export interface PolicyInput {
  readonly source: PolicySource;
  readonly options: CompileOptions;
  /** Remarks of the importer. */
  readonly remarks: readonly PolicyDiagnostic[];
}

/** A finished filter, read as a policy; undefined for other bytes, which its name does not claim to be one. */
function filterInput(
  file: string,
  bytes: Uint8Array,
  options: CompileOptions,
): PolicyInput | undefined {
  if (!isFilter(file, bytes)) return undefined;
  try {
    return ofFilter(file, () => {
      const from = { from: 'bpf', name: file, arch: options.arch } as const;
      const { text, diagnostics } = importPolicy(bytes, from);
      return { source: { name: `${file} (imported)`, text }, options, remarks: diagnostics };
    });
  } catch (error) {
    if (error instanceof PolicyError && !file.endsWith('.bpf')) return undefined;
    throw error;
  }
}

/** A policy that a profile holds; it may include files beside it. */
export function policyOfProfile(
  name: string,
  text: string,
  directory: string,
  values: Values,
): PolicyInput {
  const source = { name, text, includes: includesOf(directory, text) };
  return { source, options: compileOptions(values), remarks: [] };
}

/** The policy that an operand names: a file, standard input, or a built-in one. */
export function readPolicy(operand: string | undefined, values: Values): PolicyInput {
  if (operand === undefined) {
    throw new UsageError('ERR_NO_OPERAND', 'missing the policy', {
      hint: `Use a file, - for stdin, or one of ${builtinNames().join(', ')}.`,
    });
  }
  const options = compileOptions(values);
  if (values.from !== undefined) {
    const { text, diagnostics, weights } = importFile(operand, values);
    // Places are in the text that the import made, not in the file.
    const name = `${operand} (imported)`;
    const counts = options.weights ?? weights;
    return {
      source: { name, text },
      options: { ...options, weights: counts },
      remarks: diagnostics,
    };
  }
  if (builtinNames().includes(operand))
    return { source: { builtin: operand }, options, remarks: [] };
  const bytes = readInput(operand);
  const filter = filterInput(operand, bytes, options);
  if (filter !== undefined) return filter;
  const text = textOf(operand, bytes);
  const base = operand === '-' ? '.' : dirname(operand);
  return {
    source: { name: operand, text, includes: includesOf(base, text) },
    options,
    remarks: [],
  };
}
