/**
 * The syscall policy of a spec as a seccomp filter for this machine. Built-in
 * policies are compiled when the package is built (src/build.mjs); a test holds the shipped bytes
 * to a fresh compilation. The core is loaded only for a policy of the user's own.
 */
import { readFileSync } from 'node:fs';
import { SupportError, UsageError } from '../errors/index.js';
import { installedFile } from '../host/index.js';
import type { PolicySource } from '../policy/index.js';
import { isCopied, ownOf, type PolicySpec, type SandboxSpec } from '../resolve/index.js';
import { idMaps } from './ids.js';
import { refuseKeyCalls } from './refused-calls.js';
import { shippedFilter } from './shipped.js';
import { askAhead, bothFilters, watchFilter } from './watch.js';

/** Node's names of the architectures that sandboxes run on, in the policy language's words. */
const architectures = { x64: 'x86_64', arm64: 'aarch64' } as const;

type SandboxArchitecture = (typeof architectures)[keyof typeof architectures];

export function ownArchitecture(): SandboxArchitecture {
  const arch = architectures[process.arch as keyof typeof architectures];
  if (arch !== undefined) return arch;
  throw new SupportError('ERR_PLATFORM', `wasbox does not run on ${process.arch}`);
}

type Core = typeof import('../policy/index.js');
let loading: Promise<Core> | undefined;

/** The policy core, wherever a bundler left it. */
function loadCore(): Promise<Core> {
  loading ??= (async () => {
    const core = await import('../policy/index.js');
    await core.init().catch(async (error: unknown) => {
      const wasm = installedFile('wasbox-core.wasm');
      if (wasm === undefined) throw error;
      await core.init(readFileSync(wasm));
    });
    return core;
  })();
  loading.catch(() => {
    loading = undefined;
  });
  return loading;
}

/** The bytes of `struct sock_filter[]`. */
export interface Filters {
  readonly bpf: Uint8Array;
  /** The filter that refuses calls whatever the policy says: set-id-guard.policy and the like, in one. */
  readonly guard: Uint8Array | undefined;
  /** How many instructions at its start refuse what the supervisor then does, if the rest allows it. */
  readonly guardBehalf: number;
  /** The variant of `bpf` whose refusals the supervisor hears of. */
  readonly watch: Uint8Array | undefined;
}

/** The kernel's limit (BPF_MAXINSNS) in bytes. */
const maximumFilter = 4096 * 8;

/** Filters of specs that were compiled before; equal options have the same spec (src/resolve/spec-cache.ts). */
const compiled = new WeakMap<SandboxSpec, Promise<Filters>>();

/**
 * The filters of a sandbox.
 * @throws PolicyError where the policy has errors
 */
export function compileFilters(spec: SandboxSpec): Promise<Filters> {
  const known = compiled.get(spec);
  if (known !== undefined) return known;
  const filters = compileAll(spec);
  compiled.set(spec, filters);
  filters.catch(() => compiled.delete(spec));
  return filters;
}

async function compileAll(spec: SandboxSpec): Promise<Filters> {
  const { guards } = spec;
  const sole = !ownOf(spec).tree;
  const arch = ownArchitecture();
  const bpf = await compileOne(sourceOf(spec.policy), arch, spec.policy.kernel);
  const rules = spec.net === 'rules';
  const names = [
    // First: it refuses what the supervisor does in the payload's place, if the others and the policy allow it.
    ...(sole ? ['landlock-guard'] : []),
    ...(sole && spec.net === 'none' ? ['landlock-net-guard'] : []),
    ...(sole || guards.files.length > 0 ? ['set-id-guard'] : []),
    ...(guards.terminal ? ['terminal-guard'] : []),
    ...(guards.sockets ? ['net-guard'] : []),
  ];
  const { within } = spec.policy;
  const sources = [
    ...names.map((builtin) => ({ source: { builtin }, kernel: undefined })),
    ...(within === undefined ? [] : [{ source: sourceOf(within), kernel: within.kernel }]),
  ];
  const programs = await Promise.all(
    sources.map(({ source, kernel }) => compileOne(source, arch, kernel)),
  );
  const guard = programs.length === 0 ? undefined : programs.reduce(bothFilters);
  const guardBehalf = sole ? (programs[0]?.length ?? 0) / 8 : 0;
  // Where sockets themselves are refused, no address is to be watched.
  const network = spec.net === 'none' && !sole;
  const watch = watchFilter(bpf, guard, {
    network,
    files: spec.asking !== undefined || (sole && rules), // of /etc/resolv.conf
    rules,
    sockets: sole && rules,
    attributes: sole,
    terminals: sole,
    moves: !sole && spec.views.some(isCopied),
    ids: idMaps(spec.identity),
    audit: spec.audit,
    arch: process.arch as keyof typeof architectures,
  });
  // A policy that fills the kernel's limit has no room for the questions: it refuses by itself.
  if (watch.length <= maximumFilter) return { bpf, guard, guardBehalf, watch };
  if (!rules && !sole) return { bpf, guard, guardBehalf, watch: undefined };
  const what = rules ? 'the network rules' : 'what Landlock isolation refuses';
  throw new UsageError('ERR_USAGE', `the syscall policy is too large to add ${what}`, {
    hint: 'Its filter has as many instructions as the kernel allows. Use a shorter policy or the built-in one.',
  });
}

function sourceOf({ name, text, includes }: PolicySpec): PolicySource {
  return text === undefined ? { builtin: name } : { name, text, includes };
}

/** Does once what each run needs of the default policy. If this is called while the engine's image is made, the image has the result. */
export function prepareDefaultPolicy(): void {
  const filter = shippedFilter(`default.${ownArchitecture()}`);
  if (filter === undefined) return;
  refuseKeyCalls([filter]);
  askAhead(filter);
}

/** The oldest that wasbox runs on: what built-in policies are compiled for (src/build.mjs). */
const oldestKernel = '5.12';

async function compileOne(
  source: PolicySource,
  arch: SandboxArchitecture,
  kernel = oldestKernel,
): Promise<Uint8Array> {
  const shipped = 'builtin' in source ? shippedFilter(`${source.builtin}.${arch}`) : undefined;
  if (shipped !== undefined) return shipped;
  const { compilePolicy } = await loadCore();
  return compilePolicy(source, { arch, kernel }).bpf;
}

/** The answer of the built-in policies about a call that another policy refused. */
export interface BuiltinVerdict {
  /** True if the default policy allows it. */
  readonly byDefault: boolean;
  /** True if one of the guards refuses it, which stand beside whatever policy there is. */
  readonly guarded: boolean;
}

export type BuiltinVerdicts = (call: number, args: readonly bigint[]) => BuiltinVerdict;

/** Loads the core, as the policy of the run did. */
export async function builtinVerdicts(): Promise<BuiltinVerdicts> {
  const arch = ownArchitecture();
  const { simulateFilter } = await loadCore();
  const [main, ...guards] = await Promise.all(
    ['default', 'set-id-guard', 'terminal-guard', 'net-guard'].map((builtin) =>
      compileOne({ builtin }, arch),
    ),
  );
  return (call, args) => {
    const allows = (bpf: Uint8Array | undefined) =>
      bpf !== undefined && simulateFilter(bpf, { call, args, arch }).action.kind === 'allow';
    return { byDefault: allows(main), guarded: !guards.every(allows) };
  };
}
