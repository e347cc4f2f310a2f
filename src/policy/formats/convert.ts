/** Reads policies of other tools. The core reads OCI profiles, the readers beside this file all others. */
import {
  architectures,
  type CoreNote,
  constantValue,
  importText,
  type NoteKind,
} from '../../core/index.js';
import { UsageError } from '../../errors/index.js';
import { type Located, locate } from '../diagnostics.js';
import { PolicyError } from '../error.js';
import type { PolicyDiagnostic } from '../format-diagnostic.js';
import { type Architecture, targetBits } from '../source.js';
import { readFilter } from './bpf.js';
import { Findings, type FormatResult, mostSource } from './findings.js';
import { type FormatReader, type ImportFormat, readers } from './readers.js';

export interface ImportOptions {
  /** The tool, see `importFormats`. */
  readonly from: ImportFormat;
  /** Files that the policy may include, by the names that it uses. */
  readonly includes?: Readonly<Record<string, string>> | undefined;
  /** The policy to read, for a file with several, such as the threads of Firecracker. */
  readonly part?: string | undefined;
  /** Name for messages, usually the file's. @default 'policy' */
  readonly name?: string | undefined;
  /** Architectures to import for. @default the profile's own, else x86_64 and its siblings */
  readonly arch?: Architecture | readonly Architecture[] | undefined;
  /**
   * Capabilities that the payload has, as in `CAP_SYS_ADMIN`: a profile's entries may depend on
   * them. @default none
   */
  readonly capabilities?: readonly string[] | undefined;
}

/** A policy in wasbox's language, made from another tool's. */
export interface ImportedPolicy {
  readonly text: string;
  /** Notes on what was left out or read in a way that may surprise. */
  readonly diagnostics: readonly PolicyDiagnostic[];
  /** How often programs make which call, where the policy says so; for `CompileOptions`. */
  readonly weights: string | undefined;
}

interface NoteWords {
  readonly severity: 'error' | 'warning';
  /** `other` is where the rule is that it conflicts with: `line 3`. */
  readonly message: (detail: string, other: string) => string;
  readonly hint?: string;
}

const error = (message: NoteWords['message'], hint?: string): NoteWords =>
  hint === undefined ? { severity: 'error', message } : { severity: 'error', message, hint };
const warning = (message: NoteWords['message']): NoteWords => ({ severity: 'warning', message });

const words: Record<NoteKind, NoteWords> = {
  json: error(() => 'not valid JSON'),
  shape: error((detail) => `\`${detail}\` is missing or of the wrong type`),
  action: error((detail) => `unknown action \`${detail}\``, 'Actions start with SCMP_ACT_.'),
  errno: error(() => 'not an errno', 'An errno is a name such as EPERM, or 0 to 4095.'),
  operator: error((detail) => `unknown operator \`${detail}\``, 'Operators start with SCMP_CMP_.'),
  index: error(() => 'arguments are numbered 0 to 5'),
  value: error(() => 'a value is an integer from 0 to 2^64 - 1'),
  architecture: error(() => 'none of the architectures is supported'),
  overlap: error(
    (call, other) => `${call} matches this rule and the one at ${other}, with different actions`,
    'libseccomp decides by operators and values, not by order. Change the conditions so that only one can match.',
  ),
  inexpressible: error((detail) => `an OCI profile cannot express what happens to \`${detail}\``),
  unknown_call: warning((detail) => `left out: unknown system call \`${detail}\``),
  unknown_arch: warning((detail) => `left out: unknown architecture \`${detail}\``),
  like_default: warning(() => 'left out: same as the default'),
  never: warning((detail) => `left out: no argument of \`${detail}\` can have this value`),
  split: warning(() => 'any of these conditions is enough, because two are on the same argument'),
  unknown_default: warning(() => 'calls newer than the tables get the default action'),
};

/** Where a rule is, as one says it beside another: profiles are often one long line. */
function placeBeside(place: Located, other: Located | undefined): string {
  if (other === undefined) return '';
  const line = `line ${other.line}`;
  return other.line === place.line ? `${line}, column ${other.column}` : line;
}

/** Describes what the core says about an OCI profile. */
export function describeNote(name: string, text: Uint8Array, note: CoreNote): PolicyDiagnostic {
  const place = locate([{ name, text }], { file: 0, start: note.start, end: note.end });
  const other = note.other && locate([{ name, text }], { file: 0, ...note.other });
  const { severity, message, hint } = words[note.kind];
  return {
    severity,
    code: note.kind.replaceAll('_', '-'),
    message: message(note.detail, placeBeside(place, other)),
    hint,
    suggestion: undefined,
    file: name,
    line: place.line,
    column: place.column,
    length: place.length,
    sourceLine: place.sourceLine,
    related: other && { file: other.file, line: other.line, column: other.column },
  };
}

function capabilityBits(names: readonly string[]): bigint {
  const x86 = architectures().find(({ name }) => name === 'x86_64')?.index ?? 0;
  return names.reduce((bits, name) => {
    const value = name.startsWith('CAP_') ? constantValue(x86, name) : undefined;
    if (value === undefined || value > 63n) {
      throw new UsageError('ERR_OPTION_VALUE', `unknown capability ${name}`, {
        hint: 'For example: CAP_SYS_ADMIN',
      });
    }
    return bits | (1n << value);
  }, 0n);
}

/**
 * Turns another tool's policy into wasbox's language.
 *
 * An OCI profile is read as runc and libseccomp read it, but its values are compared in the width
 * that the kernel reads, so that bits it ignores open nothing.
 * @throws PolicyError (`ERR_POLICY_INVALID`) where the text is not such a policy
 */
export function importPolicy(text: string | Uint8Array, options: ImportOptions): ImportedPolicy {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  const name = options.name ?? 'policy';
  const { from, arch, capabilities = [] } = options;
  const read = readers[from];
  if (read !== undefined) return readText(read, name, bytes, options);
  if (from === 'bpf') return imported(readFilter(name, bytes, targetNames(arch)));
  const result = importText(bytes, targetBits(arch), capabilityBits(capabilities));
  const diagnostics = result.notes.map((note) => describeNote(name, bytes, note));
  if (result.text === undefined) throw new PolicyError('ERR_POLICY_INVALID', diagnostics);
  return { text: result.text, diagnostics, weights: undefined };
}

function readText(
  read: FormatReader,
  name: string,
  bytes: Uint8Array,
  { arch, includes = {}, part }: ImportOptions,
): ImportedPolicy {
  const source = { name, text: sourceText(name, bytes) };
  return imported(read({ source, files: includes, targets: targetNames(arch), part }));
}

function targetNames(arch: ImportOptions['arch']): readonly string[] {
  targetBits(arch); // refuses unknown names
  if (arch === undefined) return [];
  return typeof arch === 'string' ? [arch] : arch;
}

function imported({ text, diagnostics, weights }: FormatResult): ImportedPolicy {
  if (text === undefined) throw new PolicyError('ERR_POLICY_INVALID', diagnostics);
  return { text, diagnostics, weights };
}

/** The text of a file that is not too large and UTF-8. */
function sourceText(name: string, bytes: Uint8Array): string {
  const findings = new Findings();
  const span = { source: { name, text: '' }, start: 0, end: 0 };
  if (bytes.length > mostSource) {
    findings.error({ code: 'too-large', span, message: 'the file is larger than 1 MiB' });
  } else {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {
      findings.error({ code: 'utf8', span, message: 'not UTF-8' });
    }
  }
  throw new PolicyError('ERR_POLICY_INVALID', findings.list);
}
