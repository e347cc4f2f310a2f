/** Programs of classic BPF as lists of instructions, with labels to jump to. */

/** `BPF_LD | BPF_W | BPF_ABS`, `BPF_JMP | BPF_K` with `JEQ`, `JGT` and `JGE`, `BPF_RET | BPF_K`, `BPF_ALU | BPF_AND | BPF_K`. */
export const LOAD = 0x20;
export const JEQ = 0x15;
export const JGT = 0x25;
export const JGE = 0x35;
export const RET = 0x06;
export const AND = 0x54;
/** The values that a filter returns: seccomp(2). */
export const RET_USER_NOTIF = 0x7fc0_0000;
export const RET_ALLOW = 0x7fff_0000;

/** The low half of an argument in `struct seccomp_data`. */
export const argument = (n: number): number => 16 + 8 * n;

/** An instruction whose jumps lead to a label or, without one, to the next; or a label. */
export type Line = { code: number; k: number; yes?: string; no?: string } | string;

/** The parts of `struct sock_filter`: what is done, how far a jump goes if so, and if not, and a number. */
export type Instruction = readonly [code: number, yes: number, no: number, k: number];

/** `struct sock_filter[]`, little-endian. Not with a DataView, each use of which is a call in the engine (src/engine). */
export function encode(instructions: readonly Instruction[]): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(2 * instructions.length);
  for (let i = 0; i < instructions.length; i++) {
    const [code, yes, no, k] = instructions[i] as Instruction;
    words[2 * i] = code | (yes << 16) | (no << 24);
    words[2 * i + 1] = k;
  }
  return new Uint8Array(words.buffer);
}

export function assemble(lines: readonly Line[]): Uint8Array {
  const places = new Map<string, number>();
  const code: Exclude<Line, string>[] = [];
  for (const line of lines) {
    if (typeof line === 'string') places.set(line, code.length);
    else code.push(line);
  }
  const skip = (label: string | undefined, from: number) => {
    if (label === undefined) return 0;
    const place = places.get(label);
    if (place === undefined) throw new RangeError(`no label ${label}`);
    return place - from - 1;
  };
  return encode(
    code.map(({ code: operation, k, yes, no }, i) => [operation, skip(yes, i), skip(no, i), k]),
  );
}
