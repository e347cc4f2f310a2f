/** The input and output of the module, as plain objects. */
import type * as layout from './layout.generated.js';

/** Bytes in an `ArrayBuffer`. Compilers before TypeScript 5.7 know no `Uint8Array<ArrayBuffer>`. */
export type OwnBytes = ReturnType<Uint8ArrayConstructor['of']>;

/** A call to be judged, as the kernel shows it to a filter. */
export interface CoreEvent {
  /** AUDIT_ARCH_*. */
  readonly arch: number;
  readonly nr: number;
  readonly args: readonly bigint[];
}

export interface CoreRequest {
  readonly name: string;
  readonly text: string;
  readonly includes: Readonly<Record<string, string>>;
  /** Lines of `count call`; empty for the measured ones. */
  readonly weights: string;
  /** Bits `1 << architecture`; 0 for those that the policy names. */
  readonly targets: number;
  /** `major << 8 | minor`, or 0. */
  readonly kernel: number;
  readonly events?: readonly CoreEvent[];
}

export interface CorePlace {
  readonly file: number;
  readonly start: number;
  readonly end: number;
}

export interface CoreDiagnostic extends CorePlace {
  /** Index into `codeNames`. */
  readonly code: number;
  readonly related: CorePlace | undefined;
  readonly number: number;
  readonly detail: string;
  readonly suggestion: string;
}

export interface CoreDecision {
  readonly action: number;
  readonly rule: number;
  readonly path: Uint32Array;
}

export interface CoreResult {
  readonly ok: boolean;
  readonly diagnostics: readonly CoreDiagnostic[];
  readonly files: readonly { readonly name: string; readonly text: Uint8Array }[];
  readonly program: OwnBytes;
  readonly origins: Uint32Array;
  readonly rules: readonly (CorePlace & { readonly action: number })[];
  readonly decisions: readonly CoreDecision[];
  /** Arguments that rules compare; `narrow` and `wide` are 1 or 0. */
  readonly widths: readonly {
    readonly arch: number;
    readonly number: number;
    readonly argument: number;
    readonly narrow: number;
    readonly wide: number;
  }[];
  /** Words of `wb_result` that need no further reading. */
  readonly numbers: Readonly<Record<keyof typeof layout.resultWords, number>>;
  readonly witness: Uint32Array;
}

export interface CoreDifference {
  readonly event: CoreEvent;
  /** Numbers from the event's to this one are judged alike. */
  readonly lastNr: number;
  readonly first: number;
  readonly second: number;
  readonly byArguments: boolean;
}

export interface CoreComparison {
  readonly first: CoreResult;
  readonly second: CoreResult;
  readonly differences: readonly CoreDifference[];
}

export interface CoreRun {
  /** `undefined` where the program is not one that the kernel would load. */
  readonly action: number | undefined;
  readonly path: Uint32Array;
  readonly badInstruction: number;
}
