/** Random policies and uses of them, most of them valid: each form of the language, and mistakes in it. */
import {
  type Architecture,
  builtinNames,
  type CallArgument,
  type ListedCall,
  listArchitectures,
  listCalls,
  listConstants,
  listGroups,
} from '../../../src/policy/index.js';
import type { PolicyCase } from './policy-case.js';
import type { Random } from './random.js';

const actions = [
  ...['allow', 'allow', 'allow', 'deny', 'log', 'notify', 'trap', 'kill', 'kill_thread'],
  ...['trace(9)', 'errno(EIO)', 'errno(4095)', 'errno(0)'],
];
const comparisons = ['==', '!=', '<', '<=', '>', '>='];
const casts = ['', '', '', '', ' as s32', ' as u32', ' as s64', ' as u64'];
const mistakes = [
  ...['allow', 'allow nosuchcall', 'allow read where', 'deny(3) read', 'errno(5000) read'],
  ...['allow @nosuch', 'include "missing"', 'allow read where fd == NOSUCH', 'target vax', '"'],
  ...[
    'allow reed',
    'allow read where nosuch == 1',
    'default allow\ndefault deny',
    'ü',
    'allow read where fd in [9..1]',
  ],
];

export class PolicyInputs {
  readonly #random: Random;
  readonly #architectures: readonly Architecture[];
  readonly #calls: readonly ListedCall[];
  readonly #constants: ReadonlyMap<string, readonly string[]>;
  readonly #groups: readonly string[];

  constructor(random: Random) {
    this.#random = random;
    this.#architectures = listArchitectures().map(({ name }) => name as Architecture);
    this.#calls = listCalls('x86_64');
    this.#constants = new Map(
      [...listConstants('x86_64')].map(([set, list]) => [set, list.map(({ name }) => name)]),
    );
    this.#groups = [...listGroups().keys()];
  }

  #number(most = 64): string {
    const random = this.#random;
    const bits = random.pick([
      2,
      4,
      8,
      12,
      16,
      31,
      ...(most > 32 || random.chance(0.02) ? [32, 33, 63, 64] : []),
    ]);
    let value = 0n;
    for (let i = 0; i < bits; i++) value = (value << 1n) | (random.chance(0.5) ? 1n : 0n);
    if (random.chance(0.3)) value = (1n << BigInt(bits)) - 1n;
    const text = random.chance(0.5) ? value.toString() : `0x${value.toString(16)}`;
    return random.chance(0.1) && value < 1n << 63n ? `-${text}` : text;
  }

  #value({ constants, bits }: CallArgument): string {
    const names = constants === undefined ? undefined : this.#constants.get(constants);
    if (names === undefined || names.length === 0 || this.#random.chance(0.3))
      return this.#number(bits);
    const name = this.#random.pick(names);
    return this.#random.chance(0.15) ? `${name}|${this.#random.pick(names)}` : name;
  }

  #condition({ arguments: list }: ListedCall): string {
    const random = this.#random;
    const argument = random.pick(list);
    const name = argument.name || `arg${list.indexOf(argument)}`;
    const left = `${name}${random.pick(casts)}`;
    const value = () => this.#value(argument);
    if (random.chance(0.2)) return `${left} & ${value()} ${random.pick(['==', '!='])} ${value()}`;
    if (random.chance(0.05)) return `${left} & ${value()}`;
    if (random.chance(0.3)) {
      const items = random.several(5, () =>
        random.chance(0.2) ? `${random.below(50)}..${50 + random.below(500)}` : value(),
      );
      return `${left}${random.chance(0.3) ? ' not' : ''} in [${[value(), ...items].join(', ')}]`;
    }
    return `${left} ${random.pick(comparisons)} ${value()}`;
  }

  #rule(): string {
    const random = this.#random;
    const action = random.pick(actions);
    const call = random.pick(this.#calls);
    const conditional = call.arguments.length > 0 && random.chance(0.6);
    const names = conditional
      ? call.name
      : [call.name, ...random.several(4, () => this.#name())].join(random.chance(0.5) ? ' ' : ', ');
    const on = random.chance(0.05) ? ` on ${random.pick(this.#architectures)}` : '';
    const where = conditional
      ? ` where ${[this.#condition(call), ...random.several(2, () => this.#condition(call))].join(' and ')}`
      : '';
    const kernel = random.chance(0.05)
      ? ` when kernel >= ${random.pick(['4.4', '5.10', '6.1'])}`
      : '';
    return `${action} ${names}${on}${where}${kernel}`;
  }

  #name(): string {
    const random = this.#random;
    return random.chance(0.2) ? `@${random.pick(this.#groups)}` : random.pick(this.#calls).name;
  }

  #text(includes: readonly string[]): string {
    const random = this.#random;
    const lines: string[] = [];
    if (random.chance(0.3)) {
      lines.push(
        `target ${[random.pick(this.#architectures), ...random.some(this.#architectures, 0.03)].join(' ')}`,
      );
    }
    if (random.chance(0.7)) lines.push(`default ${random.pick(actions)}`);
    if (random.chance(0.3)) lines.push(`unknown ${random.pick(actions)}`);
    if (random.chance(0.1)) lines.push('group @own = read write @basic-io', 'allow @own');
    lines.push(...random.several(12, () => this.#rule()));
    if (includes.length > 0) lines.push(`include "${random.pick(includes)}"`);
    if (random.chance(0.1)) lines.push(`include "${random.pick(builtinNames())}"`);
    if (random.chance(0.1)) lines.splice(random.below(lines.length + 1), 0, random.pick(mistakes));
    return `${lines.join('\n')}\n`;
  }

  #source() {
    const random = this.#random;
    const names = random.several(2, () =>
      random.pick(['a', 'dir/b', './c', 'dir/../d', 'dir//e', 'ä', 'dir']),
    );
    const includes = Object.fromEntries(
      names.map((name) => [name, random.several(3, () => this.#rule()).join('\n')]),
    );
    const asked = random.chance(0.5)
      ? names
      : [...names, 'dir/', 'dir/./b', 'x/../a', '../a', '/a', '.'];
    const text = this.#text(random.chance(0.3) ? asked : []);
    return { name: random.pick(['my.policy', 'a', 'ü']), text, includes };
  }

  /** One compilation, and sometimes another use beside it. */
  cases(): PolicyCase[] {
    const random = this.#random;
    const source = this.#source();
    const options = {
      arch: random.chance(0.2) ? random.pick(this.#architectures) : undefined,
      kernel: random.chance(0.1) ? random.pick(['4.4', '5.10', '6.1']) : undefined,
      weights: random.chance(0.05) ? '100 read\n5 write\n' : undefined,
    };
    const compiled: PolicyCase = { use: 'compile', source, options };
    const call = () => ({
      call: random.chance(0.9) ? random.pick(this.#calls).name : random.below(1 << 16),
      args: random.several(6, () => this.#number()),
    });
    switch (random.below(20)) {
      case 0:
        return [compiled, { use: 'simulate', source, options, calls: random.several(2, call) }];
      case 1:
        return [compiled, { use: 'explain', source, calls: [random.pick(this.#calls).name] }];
      case 2: {
        const second = { ...this.#source(), includes: source.includes };
        return [compiled, { use: 'diff', first: source, second, options }];
      }
      case 3:
        return [compiled, { use: 'export', source }];
      case 4: {
        const bytes = random.several(12, () => [
          ...[random.pick([0x20, 0x15, 0x06, 0x54, 0x87, 0x05, random.below(256)]), 0],
          ...[random.below(4), random.below(4), random.below(64) & ~3, 0, 0, random.below(2) * 127],
        ]);
        const end = [6, 0, 0, 0, 0, 0, 255, 127];
        const arch = random.pick(this.#architectures);
        return [compiled, { use: 'program', bytes: [...bytes.flat(), ...end], arch }];
      }
      default:
        return [compiled];
    }
  }
}
