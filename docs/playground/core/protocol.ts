/** Playground, core. The questions that the page asks the worker, and the answers. */
import type {
  Architecture,
  CompiledPolicy,
  Decision,
  ExplainedCall,
  ExportedPolicy,
  ExportFormat,
  FilterInstruction,
  ImportedPolicy,
  ImportFormat,
  ListedCall,
  PolicyDiagnostic,
  Replay,
} from '../../../src/policy.js';

/** A policy, and the architecture to compile it for; undefined: those that it names itself. */
export interface PolicyInput {
  readonly text: string;
  readonly arch: Architecture | undefined;
}

/** A call as it was typed. */
export interface CallInput {
  readonly name: string;
  readonly args: readonly string[];
  /** The architecture of the call; undefined: the policy's first target. */
  readonly on: Architecture | undefined;
}

/** An error that the user can fix, or that says why something is missing. */
export interface Problem {
  readonly message: string;
  readonly hint: string | undefined;
  readonly diagnostics: readonly PolicyDiagnostic[];
}

/** The decision about a call, or why there is none. */
export type Verdict =
  | { readonly decision: Decision; readonly problem?: undefined }
  | { readonly decision?: undefined; readonly problem: Problem };

export interface Compilation {
  /** Undefined where the policy has errors. */
  readonly compiled: CompiledPolicy | undefined;
  readonly instructions: readonly FilterInstruction[];
  readonly diagnostics: readonly PolicyDiagnostic[];
  /** Set if the filter differs from the policy, which is a bug in the core. */
  readonly proofFailed: boolean;
  readonly verdict: Verdict | undefined;
  /** Parsing, compiling, proving. */
  readonly milliseconds: number;
}

/** Facts about the loaded core. */
export interface Ready {
  /** SHA-256 of the module in hexadecimal; undefined where the browser gives no digest. */
  readonly sha256: string | undefined;
  readonly architectures: readonly Architecture[];
  readonly tables: string;
  readonly builtins: Readonly<Record<string, string>>;
  readonly groups: Readonly<Record<string, readonly string[]>>;
  /** The module for the next worker, which then downloads nothing. */
  readonly module: WebAssembly.Module;
}

/** The tables of one architecture. */
export interface Tables {
  readonly arch: Architecture;
  readonly calls: readonly ListedCall[];
  readonly constants: ReadonlyMap<string, readonly { name: string; value: bigint }[]>;
}

/** Every question with its answer. */
export interface Questions {
  start: [
    { readonly wasm: string | WebAssembly.Module; readonly sha256?: string | undefined },
    Ready,
  ];
  compile: [PolicyInput & { readonly call: CallInput }, Compilation];
  decide: [PolicyInput & { readonly call: CallInput }, Verdict];
  explain: [PolicyInput & { readonly on: Architecture }, readonly ExplainedCall[]];
  tables: [{ readonly arch: Architecture }, Tables];
  replay: [PolicyInput & { readonly log: string }, Replay];
  import: [
    {
      readonly text: string;
      readonly from: ImportFormat;
      /** The policy to read, for a file with several. */
      readonly part: string | undefined;
      readonly capabilities: readonly string[];
      readonly arch: Architecture | undefined;
    },
    ImportedPolicy,
  ];
  export: [PolicyInput & { readonly to: ExportFormat }, ExportedPolicy];
  header: [PolicyInput, string];
}

export type Kind = keyof Questions;

export interface Request<K extends Kind = Kind> {
  readonly id: number;
  readonly kind: K;
  readonly input: Questions[K][0];
}

export type Response =
  | { readonly id: number; readonly answer: unknown; readonly problem?: undefined }
  | { readonly id: number; readonly problem: Problem };
