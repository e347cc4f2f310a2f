/** The syscall tables of the module, by plain names and numbers. */
import { archEntryWords, argumentTypeNames, argumentWords } from './layout.generated.js';
import { call } from './marshal.js';

export interface ArchitectureInfo {
  /** Position in the tables. */
  readonly index: number;
  /** The name in a policy: `x86_64`. */
  readonly name: string;
  /** AUDIT_ARCH_*. */
  readonly audit: number;
  /** Added to every number: 0x40000000 for x32. */
  readonly numberBase: number;
  /** Width of a pointer. */
  readonly bits: number;
  readonly bigEndian: boolean;
}

/** All architectures that the tables know. */
export function architectures(): ArchitectureInfo[] {
  return call((memory) => {
    const found: ArchitectureInfo[] = [];
    for (let index = 0; ; index++) {
      const at = memory.exports.wb_arch_entry(index) >>> 0;
      if (at === 0) return found;
      const words = memory.words(at, archEntryWords.size);
      const word = (field: keyof typeof archEntryWords) => words[archEntryWords[field]] ?? 0;
      found.push({
        index,
        name: memory.text(word('name'), word('nameSize')),
        audit: word('audit'),
        numberBase: word('nrBase'),
        bits: word('bits'),
        bigEndian: word('bigEndian') === 1,
      });
    }
  });
}

/** Version of the kernel headers that the tables come from. */
export function tablesVersion(): string {
  return call((memory) => memory.name(memory.exports.wb_tables() >>> 0) ?? '');
}

/** Name of a call by its number (without the base), if the architecture has it. */
export function callName(arch: number, number: number): string | undefined {
  return call((memory) => memory.name(memory.exports.wb_name_of_call(arch, number) >>> 0));
}

/** Number of a call (without the base), if the architecture has it. */
export function callNumber(arch: number, name: string): number | undefined {
  return call((memory) => {
    const bytes = new TextEncoder().encode(name);
    const number = memory.exports.wb_number_of_call(arch, memory.put(bytes), bytes.length);
    return number < 0 ? undefined : number;
  });
}

/** First number above an architecture's table (without the base). */
export function numberLimit(arch: number): number {
  return call((memory) => memory.exports.wb_number_limit(arch) >>> 0);
}

export interface CoreArgument {
  readonly name: string;
  readonly alias: string | undefined;
  readonly type: (typeof argumentTypeNames)[number];
  readonly bits: number;
  /** Index into `constantSets`. */
  readonly constants: number | undefined;
  /** Where the kernel reads fewer bits for some commands, which another argument has. */
  readonly byCommand:
    | {
        /** Position of the argument with the command. */
        readonly argument: number;
        readonly bits: number;
        /** First and last command of each range. */
        readonly commands: readonly (readonly [number, number])[];
      }
    | undefined;
}

const pairs = (words: ArrayLike<number>): [number, number][] =>
  Array.from({ length: words.length / 2 }, (_, i) => [words[2 * i] ?? 0, words[2 * i + 1] ?? 0]);

/** A call's arguments, as a filter sees them. */
export function argumentsOf(arch: number, number: number): CoreArgument[] {
  return call((memory) => {
    const found: CoreArgument[] = [];
    for (let i = 0; i < 6; i++) {
      const at = memory.exports.wb_argument_of_call(arch, number, i) >>> 0;
      if (at === 0) break;
      const words = memory.words(at, argumentWords.size);
      const word = (field: keyof typeof argumentWords) => words[argumentWords[field]] ?? 0;
      found.push({
        name: memory.text(word('name'), word('nameSize')),
        alias: word('alias') === 0 ? undefined : memory.text(word('alias'), word('aliasSize')),
        type: argumentTypeNames[word('type')] ?? 'pointer',
        bits: word('bits'),
        constants: word('constants') === 0 ? undefined : word('constants') - 1,
        byCommand:
          word('selector') === 0
            ? undefined
            : {
                argument: word('selector') - 1,
                bits: word('commandBits'),
                commands: pairs(memory.words(word('commands'), 2 * word('commandCount'))),
              },
      });
    }
    return found;
  });
}

/** Names of constants by the arguments that they belong to, in the order of the sets. */
export function constantSets(): { readonly name: string; readonly members: string[] }[] {
  return call((memory) => {
    const found: { name: string; members: string[] }[] = [];
    for (let set = 0; ; set++) {
      const name = memory.name(memory.exports.wb_name_of_set(set) >>> 0);
      if (name === undefined) return found;
      const members: string[] = [];
      for (let i = 0; ; i++) {
        const member = memory.name(memory.exports.wb_name_of_constant(set, i) >>> 0);
        if (member === undefined) break;
        members.push(member);
      }
      found.push({ name, members });
    }
  });
}

/** Value of a symbolic constant, if the architecture has it. */
export function constantValue(arch: number, name: string): bigint | undefined {
  return call((memory) => {
    const bytes = new TextEncoder().encode(name);
    const at = memory.exports.wb_value_of_constant(arch, memory.put(bytes), bytes.length) >>> 0;
    if (at === 0) return undefined;
    const [low = 0, high = 0] = memory.words(at, 2);
    return BigInt(low) | (BigInt(high) << 32n);
  });
}

/** Groups by name (without `@`), each with its members, flattened. */
export function groups(): Map<string, string[]> {
  return call((memory) => {
    const found = new Map<string, string[]>();
    for (let group = 0; ; group++) {
      const name = memory.name(memory.exports.wb_name_of_group(group) >>> 0);
      if (name === undefined) return found;
      const members: string[] = [];
      for (let i = 0; ; i++) {
        const member = memory.name(memory.exports.wb_name_of_member(group, i) >>> 0);
        if (member === undefined) break;
        members.push(member);
      }
      found.set(name, members);
    }
  });
}
