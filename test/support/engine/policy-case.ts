/** A use of the policy core, and what came of it as text: in Node and in the engine. */
import {
  exportPolicy,
  type ImportOptions,
  importPolicy,
} from '../../../src/policy/formats/index.js';
import {
  type Architecture,
  type CompileOptions,
  compilePolicy,
  decodeFilter,
  diffPolicies,
  explain,
  listArchitectures,
  listCalls,
  listConstants,
  listGroups,
  type PolicySource,
  simulate,
  simulateFilter,
  tablesVersion,
} from '../../../src/policy/index.js';

interface Call {
  readonly call: string | number;
  /** Numbers and constants, as on the command line. */
  readonly args: readonly string[];
}

export type PolicyCase =
  | { readonly use: 'compile'; readonly source: PolicySource; readonly options: CompileOptions }
  | {
      readonly use: 'simulate';
      readonly source: PolicySource;
      readonly options: CompileOptions;
      readonly calls: readonly Call[];
    }
  | {
      readonly use: 'explain';
      readonly source: PolicySource;
      readonly calls: readonly string[];
    }
  | {
      readonly use: 'diff';
      readonly first: PolicySource;
      readonly second: PolicySource;
      readonly options: CompileOptions;
    }
  | { readonly use: 'import'; readonly text: string; readonly options: ImportOptions }
  | { readonly use: 'export'; readonly source: PolicySource }
  | { readonly use: 'program'; readonly bytes: readonly number[]; readonly arch: Architecture }
  | { readonly use: 'tables'; readonly arch: Architecture };

function made(one: PolicyCase): unknown {
  switch (one.use) {
    case 'compile':
      return compilePolicy(one.source, one.options);
    case 'simulate':
      return one.calls.map((call) => simulate(one.source, call, one.options));
    case 'explain':
      return explain(one.source, { calls: one.calls });
    case 'diff':
      return diffPolicies(one.first, one.second, one.options);
    case 'import': {
      const { text, diagnostics } = importPolicy(one.text, one.options);
      return { text, diagnostics, bpf: compilePolicy({ text }).bpf };
    }
    case 'export':
      return exportPolicy(one.source, { to: 'oci' });
    case 'program': {
      const bpf = Uint8Array.from(one.bytes);
      const { arch } = one;
      return {
        run: simulateFilter(bpf, { call: 1, args: ['2'], arch }),
        list: decodeFilter({ bpf, arch }),
      };
    }
    case 'tables':
      return {
        version: tablesVersion(),
        architectures: listArchitectures(),
        groups: [...listGroups()],
        calls: listCalls(one.arch),
        constants: [...listConstants(one.arch)],
      };
  }
}

const plain = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint'
    ? `${value}n`
    : value instanceof Uint8Array
      ? Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join('')
      : value;

/** Everything that a caller gets to see, or the error, on one line. */
export function textOf(one: PolicyCase): string {
  try {
    return JSON.stringify({ made: made(one) }, plain);
  } catch (error) {
    const { message, code, hint, diagnostics, cause } = error as Record<string, unknown>;
    const why = (cause as Error | undefined)?.message;
    return JSON.stringify({ message, code, hint, diagnostics, cause: why }, plain);
  }
}
