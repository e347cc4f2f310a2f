/**
 * Finds whether a compiled filter refuses a call whatever its arguments, in each form that a processor has of it:
 * every way through the program is followed, as if each value that is not the call's number or architecture
 * could be anything.
 */

/** A call by its number and the AUDIT_ARCH_* that the kernel reports for it. */
export interface CallForm {
  readonly arch: number;
  readonly nr: number;
}

const AUDIT_ARCH_X86_64 = 0xc000003e;
const AUDIT_ARCH_I386 = 0x40000003;
const AUDIT_ARCH_AARCH64 = 0xc00000b7;
const AUDIT_ARCH_ARM = 0x40000028;
/** __X32_SYSCALL_BIT */
const X32 = 0x4000_0000;

const forms = (arch: number, numbers: readonly number[]): CallForm[] =>
  numbers.map((nr) => ({ arch, nr }));

/** add_key, request_key and keyctl, as each processor that sandboxes run on can be asked for them. */
const keyCalls = {
  x64: [
    ...forms(AUDIT_ARCH_X86_64, [248, 249, 250, X32 + 248, X32 + 249, X32 + 250]),
    ...forms(AUDIT_ARCH_I386, [286, 287, 288]),
  ],
  arm64: [...forms(AUDIT_ARCH_AARCH64, [217, 218, 219]), ...forms(AUDIT_ARCH_ARM, [309, 310, 311])],
} as const;

/** Offsets in `struct seccomp_data`. */
const NR = 0;
const ARCH = 4;

/** Classes and modes of an instruction's code: linux/bpf_common.h. */
const BPF_LD = 0x00;
const BPF_LDX = 0x01;
const BPF_ST = 0x02;
const BPF_STX = 0x03;
const BPF_ALU = 0x04;
const BPF_JMP = 0x05;
const BPF_RET = 0x06;
const LOAD_WORD = 0x20;
const LOAD_NUMBER = 0x00;
const RETURN_NUMBER = 0x06;
const JA = 0x05;

/** The values that a filter may return without the call being made: seccomp(2). */
const refusing = new Set([0x8000_0000, 0x0000_0000, 0x0003_0000, 0x0005_0000]);
const ACTION = 0xffff_0000;

/** Returns whether a comparison with a number holds; undefined where that is not known. */
function holds(code: number, a: number | undefined, k: number): boolean | undefined {
  if (a === undefined) return undefined;
  switch (code) {
    case 0x15:
      return a === k;
    case 0x25:
      return a > k;
    case 0x35:
      return a >= k;
    case 0x45:
      return (a & k) !== 0;
    default:
      return undefined; // with the register X
  }
}

/** Returns what the accumulator holds after an instruction that is no jump; undefined: anything. */
function accumulated(code: number, k: number, form: CallForm, a: number | undefined) {
  if (code === LOAD_WORD) return k === NR ? form.nr : k === ARCH ? form.arch : undefined;
  if (code === LOAD_NUMBER) return k;
  const kind = code & 7;
  return kind === BPF_ST || kind === BPF_LDX || kind === BPF_STX ? a : undefined;
}

/**
 * Returns whether each way through the program ends in a refusal. An instruction is two words: code with the jumps, and
 * `k`.
 */
function alwaysRefuses(words: Uint32Array, form: CallForm): boolean {
  const seen = new Set<number>();
  const ways: [at: number, a: number | undefined][] = [[0, undefined]];
  for (let way = ways.pop(); way !== undefined; way = ways.pop()) {
    const [at, a] = way;
    const state = at * 2 ** 33 + (a ?? 2 ** 32);
    if (seen.has(state)) continue;
    seen.add(state);
    const first = words[2 * at];
    const k = words[2 * at + 1];
    if (first === undefined || k === undefined) return false; // no program of the kernel's
    const code = first & 0xffff;
    switch (code & 7) {
      case BPF_RET:
        if (code !== RETURN_NUMBER || !refusing.has((k & ACTION) >>> 0)) return false;
        break;
      case BPF_JMP: {
        if (code === JA) {
          ways.push([at + 1 + k, a]);
          break;
        }
        const answer = holds(code, a, k);
        if (answer !== false) ways.push([at + 1 + ((first >>> 16) & 0xff), a]);
        if (answer !== true) ways.push([at + 1 + (first >>> 24), a]);
        break;
      }
      case BPF_LD:
      case BPF_LDX:
      case BPF_ST:
      case BPF_STX:
      case BPF_ALU:
        ways.push([at + 1, accumulated(code, k, form, a)]);
        break;
      default: // BPF_MISC: TXA may bring anything, TAX leaves the accumulator
        ways.push([at + 1, undefined]);
    }
  }
  return true;
}

/** A filter's instructions, and what is known of it: filters are not changed once they are compiled. */
interface Judged {
  readonly words: Uint32Array;
  readonly refused: Map<CallForm, boolean>;
}

const judged = new WeakMap<Uint8Array, Judged>();

function judgedOf(filter: Uint8Array): Judged {
  const before = judged.get(filter);
  if (before !== undefined) return before;
  const words = new Uint32Array(new Uint8Array(filter).buffer); // a copy: these lie at multiples of four
  const made = { words, refused: new Map() };
  judged.set(filter, made);
  return made;
}

function refuses(filter: Uint8Array, form: CallForm): boolean {
  const { words, refused } = judgedOf(filter);
  const before = refused.get(form);
  if (before !== undefined) return before;
  const answer = alwaysRefuses(words, form);
  refused.set(form, answer);
  return answer;
}

/**
 * Returns whether no program under these filters can make a key call (keyrings(7)), so that it does not matter
 * whose session keyring it has.
 */
export function refuseKeyCalls(filters: readonly Uint8Array[]): boolean {
  const calls = keyCalls[process.arch as keyof typeof keyCalls];
  return calls?.every((form) => filters.some((filter) => refuses(filter, form))) === true;
}
