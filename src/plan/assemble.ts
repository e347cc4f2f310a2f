/** Programs of classic BPF as lists of instructions, with labels to jump to. */

/** `BPF_LD | BPF_W | BPF_ABS`, `BPF_JMP | BPF_K` with `JEQ`, `JGT` and `JGE`, `BPF_RET | BPF_K`, `BPF_ALU | BPF_AND | BPF_K`. */
export const LOAD = 0x20;
export const JEQ = 0x15;
export const JGT = 0x25;
export const JGE = 0x35;
export const RET = 0x06;
export const AND = 0x54;
/** What a filter returns: seccomp(2). */
export const RET_USER_NOTIF = 0x7fc0_0000;
export const RET_ALLOW = 0x7fff_0000;

/** The low half of an argument in `struct seccomp_data`. */
export const argument = (n: number): number => 16 + 8 * n;

/** An instruction whose jumps lead to a label or, without one, to the next; or a label. */
export type Line = { code: number; k: number; yes?: string; no?: string } | string;

export function assemble(lines: readonly Line[]): Uint8Array {
  const places = new Map<string, number>();
  const code: Exclude<Line, string>[] = [];
  for (const line of lines) {
    if (typeof line === 'string') places.set(line, code.length);
    else code.push(line);
  }
  const program = new Uint8Array(code.length * 8);
  const view = new DataView(program.buffer);
  for (const [i, { code: operation, k, yes, no }] of code.entries()) {
    const skip = (label?: string) =>
      label === undefined ? 0 : (places.get(label) ?? Number.NaN) - i - 1;
    view.setUint16(i * 8, operation, true);
    view.setUint8(i * 8 + 2, skip(yes));
    view.setUint8(i * 8 + 3, skip(no));
    view.setUint32(i * 8 + 4, k, true);
  }
  return program;
}
