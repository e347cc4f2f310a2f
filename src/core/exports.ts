/** A started policy core, and its functions: `wasm-core/include/wasbox_core.h` says what each does. */

import type { OwnBytes } from './types.js';

export interface CoreInstance {
  readonly exports: Omit<CoreExports, 'wb_reset' | 'wb_buffer'>;
  /** Frees everything that earlier calls gave out. */
  reset(): void;
  /** The address of a copy of these bytes. */
  put(bytes: Uint8Array): number;
  /** A copy of a part of its memory. */
  read(at: number, size: number): OwnBytes;
  /** Replaces what `include` can read: file names, with `/` between folders, to contents. */
  setFiles(files: ReadonlyMap<string, Uint8Array>): void;
}

export interface CoreExports {
  /** Version of the ABI that the module was built with. */
  wb_abi_version(): number;
  /** Frees everything that earlier calls gave out. */
  wb_reset(): void;
  /** Address of room for input. */
  wb_buffer(size: number): number;
  /** Address of a `wb_result`. */
  wb_compile(request: number): number;
  /** Address of a `wb_result` with decisions. */
  wb_explain(request: number): number;
  /** Address of a `wb_comparison`. */
  wb_compare(first: number, second: number): number;
  /** Address of a `wb_run`. */
  wb_simulate(program: number, size: number, bigEndian: number, event: number): number;
  /** Address of a `wb_listing`. */
  wb_decode(program: number, size: number, bigEndian: number): number;
  /** Address of a `wb_arch_entry`, 0 past the last. */
  wb_arch_entry(arch: number): number;
  /** Address of a `wb_name`, or 0. */
  wb_name_of_call(arch: number, number: number): number;
  /** The number, or -1. */
  wb_number_of_call(arch: number, name: number, size: number): number;
  /** First number above the table. */
  wb_number_limit(arch: number): number;
  /** Address of a `wb_name`. */
  wb_tables(): number;
  /** Address of a `wb_argument`, or 0. */
  wb_argument_of_call(arch: number, number: number, index: number): number;
  /** Address of a `wb_name`, 0 past the last set. */
  wb_name_of_set(set: number): number;
  /** Address of a `wb_name`, 0 past the last constant. */
  wb_name_of_constant(set: number, index: number): number;
  /** Address of two words, or 0. */
  wb_value_of_constant(arch: number, name: number, size: number): number;
  /** Address of a `wb_name`, 0 past the last group. */
  wb_name_of_group(group: number): number;
  /** Address of a `wb_name`, 0 past the last member. */
  wb_name_of_member(group: number, index: number): number;
  /** Address of a `wb_converted`. */
  wb_import(request: number): number;
  /** Address of a `wb_converted`. */
  wb_export(request: number, format: number): number;
}
