/**
 * Policies in the formats of other tools. What was written is read again and compared with the policy: the
 * result is either the same, or each difference is told with a call that shows it.
 */
import { architectures, callName, compile, exportText, numberLimit } from '../../core/index.js';
import { actionText } from '../action.js';
import { compilePolicy } from '../compile.js';
import { diffPolicies, type PolicyDifference } from '../diff.js';
import { PolicyError } from '../error.js';
import type { PolicyDiagnostic } from '../format-diagnostic.js';
import { type Architecture, type CompileOptions, type PolicySource, requestOf } from '../source.js';
import { describeNote, importPolicy } from './convert.js';
import type { ImportFormat } from './readers.js';
import { writeKafel } from './writers/kafel.js';
import { writeFirejail, writeSpo, writeSystemd } from './writers/lists.js';
import { writeMinijail } from './writers/minijail.js';
import { actionWord, type Model, modelOf, strictest } from './writers/model.js';
import { writeSeccompiler } from './writers/seccompiler.js';

/** Formats that can be exported: those that can be imported, but for compiled filters, which `compilePolicy` makes. */
export type ExportFormat = Exclude<ImportFormat, 'bpf'>;

export interface ExportOptions extends CompileOptions {
  readonly to: ExportFormat;
}

/** A policy in another tool's format. */
export interface ExportedPolicy {
  readonly text: string;
  /** Warnings of the policy itself, and each difference between it and the exported one. */
  readonly diagnostics: readonly PolicyDiagnostic[];
  /** True if the core has proved that both decide alike, on every target and for all arguments. */
  readonly equal: boolean;
}

/** The number that the core gives where no rule decides a known call. */
const decidedByDefault = 0xffff_ffff;

/** Returns what calls get that no rule decides; where there are none, what most calls get. */
function defaultOf(source: PolicySource, options: CompileOptions, arch: Architecture): string {
  const { index, audit, numberBase } = architectures().find(({ name }) => name === arch) ?? {
    index: 0,
    audit: 0,
    numberBase: 0,
  };
  const events = Array.from({ length: numberLimit(index) }, (_, number) => number)
    .filter((number) => callName(index, number) !== undefined)
    .map((number) => ({ arch: audit, nr: (number + numberBase) >>> 0, args: [] }));
  const { decisions } = compile({ ...requestOf(source, options), events });
  const found = decisions.find(({ rule }) => rule === decidedByDefault);
  if (found !== undefined) return actionWord(found.action);
  const counts = new Map<number, number>();
  for (const { action } of decisions) counts.set(action, (counts.get(action) ?? 0) + 1);
  const [most] = [...counts].sort((a, b) => b[1] - a[1]);
  return most === undefined ? 'kill_process' : actionWord(most[0]);
}

const nowhere = { line: 1, column: 1, length: 1, sourceLine: '', related: undefined };

/** A remark about the policy as a whole. */
const warning = (file: string, code: string, message: string): PolicyDiagnostic => ({
  ...nowhere,
  ...{ file, severity: 'warning', code, message, hint: undefined, suggestion: undefined },
});

/** More would say the same of further calls. */
const mostDifferences = 12;

function tell(file: string, differences: readonly PolicyDifference[]): PolicyDiagnostic[] {
  const told = differences.slice(0, mostDifferences).map((one) => {
    const { arch, name, number, lastNumber, byArguments, args, firstText, secondText } = one;
    const which =
      name ?? (number === lastNumber ? `call ${number}` : `calls ${number} to ${lastNumber}`);
    const shown = args.map((value) => `0x${value.toString(16)}`).join(', ');
    const example = byArguments ? `(${shown})` : '';
    return warning(
      file,
      'difference',
      `${arch} ${which}${example} gets ${secondText} in the exported policy, not ${firstText}`,
    );
  });
  const more = differences.length - told.length;
  return more > 0
    ? [...told, warning(file, 'difference', `and ${more} more difference${more === 1 ? '' : 's'}`)]
    : told;
}

/** Exports the formats that the core reads and writes. */
function exportOci(source: PolicySource, options: CompileOptions) {
  const request = requestOf(source, options);
  const result = exportText(request);
  const nothing = new Uint8Array();
  const notes = result.notes.map((note) => describeNote(request.name, nothing, note));
  return { text: result.text, notes };
}

function write(to: ExportFormat, model: Model): string {
  switch (to) {
    case 'minijail':
      return writeMinijail(model);
    case 'kafel':
      return writeKafel(model);
    case 'seccompiler':
      return writeSeccompiler(model);
    case 'systemd':
      return writeSystemd(model);
    default:
      return writeFirejail(model, (value) => errnoName(model.arch, value));
  }
}

/** The name of an errno, which firejail needs. */
function errnoName(arch: Architecture, value: string): string | undefined {
  const text = actionText({ kind: 'errno', value: Number(value) }, arch);
  const name = text.slice('errno('.length, -1);
  return /^E/.test(name) ? name : undefined;
}

/** Reads what was written and compares it; undefined where that is too complex. */
function compareWith(
  source: PolicySource,
  text: string,
  { to, kernel, arch }: ExportOptions & { readonly arch: readonly Architecture[] },
): PolicyDifference[] | undefined {
  try {
    const back = importPolicy(text, { from: to, name: 'exported', arch });
    return diffPolicies(source, { name: 'exported', text: back.text }, { kernel, arch });
  } catch (error) {
    if (error instanceof PolicyError && error.code === 'ERR_POLICY_INVALID') return undefined;
    throw error;
  }
}

/** Calls that depend on their arguments get the strictest that they can get. */
function withoutConditions(model: Model): Model {
  const plain = new Map(model.plain);
  for (const [call, ways] of model.conditional)
    plain.set(call, strictest(ways.map(({ action }) => action)));
  return { ...model, plain, conditional: new Map() };
}

/**
 * Writes a policy for another tool. Where its format cannot say what the policy says, the stricter of what
 * it can say stands there, and the diagnostics tell each difference with a call.
 * @throws PolicyError (`ERR_POLICY_INVALID`) where the policy has errors, or, for OCI profiles, says what the
 *   format cannot say, such as different rules for two architectures
 */
export function exportPolicy(source: PolicySource, options: ExportOptions): ExportedPolicy {
  const { to } = options;
  const file = 'builtin' in source ? source.builtin : (source.name ?? 'policy');
  const compiled = compilePolicy(source, options);
  const arch = compiled.targets[0] ?? 'x86_64';
  const diagnostics = [...compiled.diagnostics];
  const oci = to === 'oci' || to === 'spo';
  let text: string;
  let model: Model | undefined;
  let over: readonly Architecture[] = [arch];
  if (oci) {
    const { text: profile, notes } = exportOci(source, options);
    diagnostics.push(...notes);
    if (profile === undefined) throw new PolicyError('ERR_POLICY_INVALID', diagnostics);
    text = to === 'oci' ? profile : writeSpo(profile);
    over = compiled.targets;
  } else {
    const only =
      compiled.targets.length > 1 ? compilePolicy(source, { ...options, arch }) : compiled;
    if (only !== compiled)
      diagnostics.push(
        warning(
          file,
          'one-architecture',
          `the format is for one architecture: this is for ${arch}`,
        ),
      );
    model = modelOf(only, defaultOf(source, { ...options, arch }, arch));
    text = write(to, model);
  }
  const compared = compareWith(source, text, { ...options, arch: over });
  if (compared === undefined && model === undefined) {
    const message = 'the exported policy is too complex to compare it with this one';
    return { text, diagnostics: [...diagnostics, warning(file, 'complex', message)], equal: false };
  }
  if (compared === undefined && model !== undefined) {
    // So long that no user would read it, nor could it be proved: without its conditions it can.
    diagnostics.push(
      warning(
        file,
        'complex',
        'the conditions are too complex for the format: the calls are refused',
      ),
    );
    text = write(to, withoutConditions(model));
  }
  const differences = compared ?? compareWith(source, text, { ...options, arch: over }) ?? [];
  const told = tell(file, differences);
  return { text, diagnostics: [...diagnostics, ...told], equal: differences.length === 0 };
}
