/**
 * Writes and reads what a report of a run needs, as JSON in an entry: the whole spec, and how much the
 * user wants to see. JSON knows neither big integers nor bytes; they are marked.
 */
import type { SandboxSpec } from '../resolve/index.js';

export interface ReportContext {
  readonly spec: SandboxSpec;
  readonly quiet: boolean;
  readonly verbose: boolean;
}

type Marked = { readonly $bigint: string } | { readonly $bytes: string };

export function encodeReportContext(context: ReportContext): string {
  return JSON.stringify(context, (_key, value: unknown): unknown => {
    if (typeof value === 'bigint') return { $bigint: value.toString() } satisfies Marked;
    if (value instanceof Uint8Array) {
      return { $bytes: Buffer.from(value).toString('hex') } satisfies Marked;
    }
    return value;
  });
}

/** The reverse. The text comes from an entry that the native command has checked. */
export function decodeReportContext(text: string): ReportContext {
  return JSON.parse(text, (_key, value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    if ('$bigint' in value) return BigInt(String(value.$bigint));
    if ('$bytes' in value) return new Uint8Array(Buffer.from(String(value.$bytes), 'hex'));
    return value;
  }) as ReportContext;
}
