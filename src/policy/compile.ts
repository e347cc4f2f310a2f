/** Policy to filter. */
import { architectures, type CoreResult, compile, layout, type OwnBytes } from '../core/index.js';
import { describe, locate } from './diagnostics.js';
import { PolicyError } from './error.js';
import type { PolicyDiagnostic, PolicyPlace } from './format-diagnostic.js';
import { explainSlips } from './slips/index.js';
import { type Architecture, type CompileOptions, type PolicySource, requestOf } from './source.js';
import { type ComparedArgument, comparedArguments } from './widths.js';

/** The cost of the filter, for its first target and with all arguments 0. */
export interface FilterFigures {
  /** Instructions executed for a call, the same weight for all numbers of the table. */
  readonly mean: number;
  /** The mean, weighted by how often programs make each call. */
  readonly weightedMean: number;
  /** The weighted mean of the calls that a kernel from 5.11 on runs the filter for. */
  readonly filteredMean: number;
  /** Longest path through the program. */
  readonly worst: number;
  /** Calls that the kernel (5.11) remembers as allowed, so that the filter no longer runs. */
  readonly cacheable: number;
  /** Calls of the table. */
  readonly known: number;
}

/** A rule of the source. */
export interface PolicyRule extends PolicyPlace {
  /** The line that it ends on. */
  readonly lastLine: number;
  /** Its text, on one line. */
  readonly text: string;
}

/** A compiled policy, verified against its text. */
export interface CompiledPolicy {
  /** `struct sock_filter[]` for seccomp(2), in the byte order of the targets. */
  readonly bpf: OwnBytes;
  /** Number of instructions; the kernel takes 4096. */
  readonly instructions: number;
  readonly bigEndian: boolean;
  readonly targets: readonly Architecture[];
  /** Arguments that rules compare, and how many of their bits. */
  readonly compared: readonly ComparedArgument[];
  /** Warnings. */
  readonly diagnostics: readonly PolicyDiagnostic[];
  readonly figures: FilterFigures;
  /** Rules in their order; `origins` and decisions speak of their positions. */
  readonly rules: readonly PolicyRule[];
  /** The rule that each instruction serves, or -1 where it serves none in particular. */
  readonly origins: readonly number[];
}

const firstSpecial = 0xffff_fffd;

/** Position of a rule as the core gives it, or -1. */
export const ruleIndex = (rule: number) => (rule >= firstSpecial ? -1 : rule);

/** Names on the one line about calls that no target has. */
const mostLacking = 5;

/** A list for several architectures names dozens of calls that a target lacks: one line for a file. */
function foldLacking(list: readonly PolicyDiagnostic[]): PolicyDiagnostic[] {
  const lacking = (file: string) =>
    list.filter((one) => one.code === 'no-target' && one.file === file);
  return list.flatMap((one): PolicyDiagnostic[] => {
    if (one.code !== 'no-target') return [one];
    const all = lacking(one.file);
    if (all.length < 2) return [one];
    if (all[0] !== one) return [];
    const names = all.map(({ sourceLine, column, length }) =>
      [...sourceLine].slice(column - 1, column - 1 + length).join(''),
    );
    const more = names.length - mostLacking;
    const rest = more > 0 ? ` and ${more} more` : '';
    const message = `no target has these calls: ${names.slice(0, mostLacking).join(', ')}${rest}`;
    return [{ ...one, message }];
  });
}

/** Turns the core's result into the public one; throws if there is no program. */
export function toCompiled(result: CoreResult): CompiledPolicy {
  const diagnostics = foldLacking(
    [...result.diagnostics]
      .sort((a, b) => a.file - b.file || a.start - b.start)
      .map((d) => describe(result.files, d)),
  );
  if (!result.ok) {
    const internal = diagnostics.some(({ code }) => code === 'internal');
    const explained = internal ? diagnostics : explainSlips(diagnostics);
    throw new PolicyError(internal ? 'ERR_POLICY_INTERNAL' : 'ERR_POLICY_INVALID', explained);
  }
  const { numbers } = result;
  const names = layout.archNames;
  return {
    bpf: result.program,
    instructions: result.program.length / 8,
    bigEndian: numbers.bigEndian === 1,
    targets: names.filter((_, i) => (numbers.targets >>> i) & 1),
    compared: comparedArguments(result.widths),
    diagnostics,
    figures: {
      mean: numbers.meanMilli / 1000,
      weightedMean: numbers.weightedMilli / 1000,
      filteredMean: numbers.filteredMilli / 1000,
      worst: numbers.worst,
      cacheable: numbers.cacheable,
      known: numbers.known,
    },
    rules: result.rules.map((rule) => {
      const { file, line, column, text } = locate(result.files, rule);
      return {
        file,
        line,
        column,
        lastLine: line + text.split('\n').length - 1,
        text: text.replaceAll(/#[^\n]*|\s+/g, ' ').replaceAll(/ +/g, ' '),
      };
    }),
    origins: [...result.origins].map(ruleIndex),
  };
}

/**
 * Compiles a policy to a seccomp filter and proves that the filter equals the policy.
 * @throws PolicyError (`ERR_POLICY_INVALID`) with all diagnostics where the policy has errors
 */
export function compilePolicy(source: PolicySource, options: CompileOptions = {}): CompiledPolicy {
  return toCompiled(compile(requestOf(source, options)));
}

/** Architectures that policies may name, with what sets them apart. */
export function listArchitectures() {
  return architectures();
}
