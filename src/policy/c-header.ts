/** A compiled filter as C. */

import { displayText } from '../text/index.js';
import type { CompiledPolicy } from './compile.js';

/** The fields of a `struct sock_filter`. */
export interface RawInstruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** A compiled filter as its fields, whatever its byte order. */
export function rawInstructions({
  bpf,
  bigEndian,
}: Pick<CompiledPolicy, 'bpf' | 'bigEndian'>): RawInstruction[] {
  const view = new DataView(bpf.buffer, bpf.byteOffset, bpf.byteLength);
  return Array.from({ length: bpf.length / 8 }, (_, i) => ({
    code: view.getUint16(8 * i, !bigEndian),
    jt: view.getUint8(8 * i + 2),
    jf: view.getUint8(8 * i + 3),
    k: view.getUint32(8 * i + 4, !bigEndian),
  }));
}

const hex = (value: number, digits: number): string =>
  `0x${value.toString(16).padStart(digits, '0')}`;

const shortened = (text: string): string => (text.length > 90 ? `${text.slice(0, 89)}…` : text);

/** Text that may stand in a C comment. */
const comment = (text: string): string => displayText(text).replaceAll('*/', '* /');

/** A header that compiles by itself: an array of `struct sock_filter`. */
export function formatCHeader(compiled: CompiledPolicy, name: string): string {
  let last = -1;
  const lines = rawInstructions(compiled).flatMap(({ code, jt, jf, k }, i) => {
    const line = `  {${hex(code, 4)}, ${jt}, ${jf}, ${hex(k, 8)}},`;
    const origin = compiled.origins[i] ?? -1;
    const rule = origin === last ? undefined : compiled.rules[origin];
    last = origin;
    return rule === undefined
      ? [line]
      : [`  /* ${comment(shortened(`${rule.line}: ${rule.text}`))} */`, line];
  });
  return `/* The filter of ${comment(name)} for ${compiled.targets.join(', ')}. */
#ifndef WASBOX_FILTER_H
#define WASBOX_FILTER_H

#include <linux/filter.h>

static const struct sock_filter wasbox_filter[] = {
${lines.join('\n')}
};

#endif
`;
}
