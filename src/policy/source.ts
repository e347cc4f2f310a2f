/** Converts a caller's policy to the form that the core takes. */
import { architectures, type CoreRequest } from '../core/index.js';
import { UsageError } from '../errors/index.js';
import { usualArchitecture } from './architecture-names.js';
import { builtinPolicies } from './builtin.generated.js';

/** An architecture as policies name it. */
export type Architecture =
  | 'x86_64'
  | 'i386'
  | 'x32'
  | 'aarch64'
  | 'arm'
  | 'riscv64'
  | 'ppc64le'
  | 's390x'
  | 'mips64el'
  | 'loongarch64';

/** A policy as text. */
export interface PolicyText {
  /** Name for messages, usually the file's. @default 'policy' */
  readonly name?: string | undefined;
  readonly text: string;
  /** Files that `include` may name, beside the built-in policies. */
  readonly includes?: Readonly<Record<string, string>> | undefined;
}

/** A policy that comes with wasbox, for instance `default`. */
export interface BuiltinPolicy {
  readonly builtin: string;
}

export type PolicySource = PolicyText | BuiltinPolicy;

export interface CompileOptions {
  /**
   * Architectures that the filter is for. A foreign one is always killed.
   * @default the policy's own `target`, else x86_64
   */
  readonly arch?: Architecture | readonly Architecture[] | undefined;
  /** Version of the kernel that loads the filter, for instance `6.1`. */
  readonly kernel?: string | undefined;
  /** How often programs make which call: lines of `count call`. @default a measured mix */
  readonly weights?: string | undefined;
}

/** Names of the policies that come with wasbox. */
export function builtinNames(): string[] {
  return Object.keys(builtinPolicies);
}

/** Text of a policy that comes with wasbox. */
export function builtinText(name: string): string | undefined {
  return Object.hasOwn(builtinPolicies, name) ? builtinPolicies[name] : undefined;
}

function archHint(name: string, known: readonly { readonly name: string }[]): string {
  const usual = usualArchitecture(name);
  return usual === undefined
    ? `Use one of: ${known.map((info) => info.name).join(', ')}.`
    : `Policies call it ${usual}.`;
}

export function targetBits(arch: CompileOptions['arch']): number {
  if (arch === undefined) return 0;
  const known = architectures();
  let bits = 0;
  for (const name of Array.isArray(arch) ? arch : [arch]) {
    const found = known.find((info) => info.name === name);
    if (found === undefined) {
      throw new UsageError('ERR_OPTION_VALUE', `unknown architecture ${String(name)}`, {
        hint: archHint(String(name), known),
      });
    }
    bits |= 1 << found.index;
  }
  return bits;
}

/** The first with SECCOMP_MODE_FILTER: 3.5. */
const oldestKernel = (3 << 8) | 5;

function kernelNumber(kernel: string | undefined): number {
  if (kernel === undefined) return 0;
  const match = /^(\d{1,3})(?:\.(\d{1,3}))?(?:[.-].*)?$/.exec(kernel);
  const [major, minor] = [Number(match?.[1]), Number(match?.[2] ?? 0)];
  if (match === null || major > 255 || minor > 255) {
    throw new UsageError('ERR_OPTION_VALUE', `invalid kernel version: ${kernel}`, {
      hint: 'For example: 6.1',
    });
  }
  if (((major << 8) | minor) < oldestKernel) {
    throw new UsageError('ERR_OPTION_VALUE', `Linux ${kernel} does not support syscall filters`, {
      hint: 'They need Linux 3.5 or newer.',
    });
  }
  return (major << 8) | minor;
}

export function requestOf(source: PolicySource, options: CompileOptions): CoreRequest {
  const common = {
    weights: options.weights ?? '',
    targets: targetBits(options.arch),
    kernel: kernelNumber(options.kernel),
  };
  if ('builtin' in source) {
    const text = builtinText(source.builtin);
    if (text === undefined) {
      throw new UsageError('ERR_OPTION_VALUE', `unknown built-in policy ${source.builtin}`, {
        hint: `Use one of: ${builtinNames().join(', ')}.`,
      });
    }
    return { ...common, name: source.builtin, text, includes: { ...builtinPolicies } };
  }
  return {
    ...common,
    name: source.name ?? 'policy',
    text: source.text,
    includes: { ...builtinPolicies, ...source.includes },
  };
}
