/** Encodes the constants as constants.generated.c, and says which set an argument has. */
import { ARCHITECTURES } from './architectures.mjs';
import { CONSTANT_SETS } from './constant-sets.mjs';
import { Bytes, banner, byteArray, frontCodedArray, nameArray } from './encode.mjs';

/** The place in CONSTANT_SETS of the set that belongs to an argument, or -1. */
export function constantSetOf(call, argument) {
  const names = [argument.name, argument.alias].filter((name) => name !== undefined);
  const exact = CONSTANT_SETS.findIndex(({ args }) =>
    names.some((name) => args.includes(`${call}.${name}`)),
  );
  if (exact >= 0 || argument.class === 'POINTER') return exact;
  return CONSTANT_SETS.findIndex(({ args }) => names.some((name) => args.includes(`*.${name}`)));
}

/** Fails where a set names an argument that no call has. */
export function checkConstantSets(calls) {
  const known = new Set();
  for (const prototypes of calls.args.values())
    for (const [call, list] of prototypes)
      for (const { name, alias } of list)
        for (const word of [name, alias]) known.add(`${call}.${word}`).add(`*.${word}`);
  for (const { name, args } of CONSTANT_SETS)
    for (const arg of args)
      if (!known.has(arg)) throw new Error(`set ${name}: no call has the argument ${arg}`);
}

const maskOf = (architectures) =>
  ARCHITECTURES.reduce((mask, { name }, i) => mask | (architectures.has(name) ? 1 << i : 0), 0);

/** Groups architectures by value; undefined where an architecture lacks the constant. */
function byValue(values) {
  const groups = new Map();
  for (const { name } of ARCHITECTURES) {
    const value = values.get(name);
    groups.set(value, (groups.get(value) ?? new Set()).add(name));
  }
  return groups;
}

/** Architectures whose ioctl numbers hold size and direction in other places (asm/ioctl.h). */
const OWN_IOCTL_LAYOUT = new Set(['ppc64le', 'mips64el']);

/** An ioctl number of the common layout as ppc and mips build it. */
function otherIoctlLayout(value) {
  const direction = [1n, 4n, 2n, 6n][Number((value >> 30n) & 3n)];
  return (direction << 29n) | (value & 0x1fffffffn);
}

/** Returns what an architecture has if it follows the rule, which is the base value for all but ioctls. */
const predict = (architecture, base, moved) =>
  moved && OWN_IOCTL_LAYOUT.has(architecture) ? otherIoctlLayout(base) : base;

/**
 * The two generated files. Each constant is one base value, coded as the difference from the one
 * before with one bit for "ppc and mips build this number their way", and a list of the
 * architectures that differ from what that says.
 */
export function writeConstants(sets, versions) {
  const names = [];
  const values = new Bytes();
  const exceptions = new Bytes();
  const layout = new Bytes();
  let exceptionCount = 0;
  let lastException = 0;
  for (const { name: set, with: others = [] } of CONSTANT_SETS) {
    const constants = [...sets.get(set)].map(([name, own]) => {
      const groups = byValue(own);
      const common = [...groups].filter(([v]) => v !== undefined);
      const [[base]] = common.sort((a, b) => b[1].size - a[1].size);
      const moved = own.get('mips64el') !== base && own.get('mips64el') === otherIoctlLayout(base);
      return { name, base, moved, groups };
    });
    layout.unsigned(constants.length).unsigned(others.length);
    for (const other of others)
      layout.unsigned(CONSTANT_SETS.findIndex((candidate) => candidate.name === other));
    let last = 0n;
    for (const { name, base, moved, groups } of constants) {
      const delta = BigInt.asIntN(64, base) - BigInt.asIntN(64, last);
      values.signed(delta * 2n + BigInt(moved));
      last = base;
      for (const [value, group] of groups) {
        const architectures = new Set([...group].filter((a) => predict(a, base, moved) !== value));
        if (architectures.size === 0) continue;
        exceptions.unsigned(names.length - lastException).unsigned(maskOf(architectures));
        if (value === undefined) exceptions.unsigned(0);
        else exceptions.unsigned(1).signed(value);
        lastException = names.length;
        exceptionCount++;
      }
      names.push(name);
    }
  }
  const header =
    `${banner('Sizes and streams of the symbolic constants, read by constants.c.', versions)}` +
    `#ifndef WASBOX_CONSTANTS_GENERATED_H\n#define WASBOX_CONSTANTS_GENERATED_H\n\n` +
    `#include <stdint.h>\n\n#define WB_CONSTANT_COUNT ${names.length}\n` +
    `#define WB_CONSTANT_NAMES_SIZE ${names.join(' ').length + 1}\n` +
    `#define WB_CONSTANT_SET_COUNT ${CONSTANT_SETS.length}\n` +
    `#define WB_CONSTANT_EXCEPTION_COUNT ${exceptionCount}\n\n` +
    `extern const char wb_constant_names[];\nextern const char wb_constant_set_names[];\n` +
    ['layout', 'values', 'value_exceptions']
      .map((name) => `extern const uint8_t wb_blob_${name}[];\n`)
      .join('') +
    `\n#endif\n`;
  const source = [
    banner('Symbolic constants of the arguments, for every architecture.', versions),
    '#include "constants.generated.h"\n',
    frontCodedArray('wb_constant_names', names),
    nameArray(
      'wb_constant_set_names',
      CONSTANT_SETS.map((set) => set.name),
    ),
    byteArray('wb_blob_layout', layout.list),
    byteArray('wb_blob_values', values.list),
    byteArray('wb_blob_value_exceptions', exceptions.list),
  ].join('\n');
  return { header, source };
}
