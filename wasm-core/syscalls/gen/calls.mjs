/** Collects the calls of all architectures, and encodes them as syscalls.generated.c. */
import { ARCHITECTURES } from './architectures.mjs';
import { argumentsOf, CLASSES, newerArguments } from './arguments.mjs';
import { LATER_CALLS, NEWER_CALLS } from './corrections.mjs';
import { Bytes, banner, byteArray, frontCodedArray, nameArray, Pool } from './encode.mjs';
import { readEntries, readNumbers, readVersions } from './numbers.mjs';
import { readDefinitions } from './prototypes.mjs';

/** Architectures whose numbers most resemble each one's, best first. */
const SIMILAR = {
  x86_64: [],
  i386: ['x86_64'],
  x32: ['x86_64'],
  aarch64: ['x86_64'],
  arm: ['i386'],
  riscv64: ['aarch64'],
  ppc64le: ['i386', 'x86_64'],
  s390x: ['i386', 'x86_64'],
  mips64el: ['x86_64', 'i386'],
  loongarch64: ['aarch64'],
};

/** Added to a similar architecture's number to guess this one's. */
const guessOffset = (name) => (name === 'mips64el' ? 5000 : 0);

/**
 * Everything about the calls.
 *
 * @returns `{ names, numbers: Map(arch → Map(call → number)), args: Map(arch → Map(call → list)),
 *   since: Map(call → version) }`, names sorted by code point
 */
export function collectCalls({ headers, source, syscallsManual }) {
  const definitions = readDefinitions(source);
  const numbers = new Map();
  const args = new Map();
  for (const architecture of ARCHITECTURES) {
    const own = readNumbers(headers, architecture);
    const entries = readEntries(source, architecture);
    const prototypes = new Map();
    for (const call of own.keys()) {
      const list = argumentsOf(definitions, architecture, call, entries.get(call));
      if (list === undefined) throw new Error(`${architecture.name}: no prototype of ${call}`);
      prototypes.set(call, list);
    }
    for (const [call, { number, only, args: list }] of Object.entries(NEWER_CALLS)) {
      if (only !== undefined && !only.includes(architecture.name)) continue;
      if (own.has(call)) throw new Error(`the headers have ${call}: take it out of NEWER_CALLS`);
      own.set(call, number + guessOffset(architecture.name));
      prototypes.set(call, newerArguments(call, list));
    }
    numbers.set(architecture.name, own);
    args.set(architecture.name, prototypes);
  }
  const names = [...new Set([...numbers.values()].flatMap((map) => [...map.keys()]))].sort();
  const newer = Object.entries(NEWER_CALLS).map(([call, { since }]) => [call, since]);
  const later = { ...LATER_CALLS, ...Object.fromEntries(newer) };
  return { names, numbers, args, since: readVersions(syscallsManual, later) };
}

/** First number past the ones that an architecture counts on; ARM's private ones lie far above. */
function limitOf(numbers) {
  const ordinary = [...numbers.values()].filter((n) => n < 0xf0000);
  return Math.max(...ordinary.filter((n) => n < 512 || n >= 5000)) + 1;
}

function encodeNumbers({ names, numbers }) {
  const bytes = new Bytes();
  for (const { name: arch } of ARCHITECTURES) {
    const own = numbers.get(arch);
    bytes.unsigned(limitOf(own));
    let last = guessOffset(arch) - 1;
    for (const call of names) {
      const similar = SIMILAR[arch].find((other) => numbers.get(other).has(call));
      const guess =
        similar === undefined ? last + 1 : numbers.get(similar).get(call) + guessOffset(arch);
      const number = own.get(call);
      if (number === undefined) {
        bytes.unsigned(0);
        continue;
      }
      const delta = number - guess;
      bytes.unsigned((delta < 0 ? -delta * 2 - 1 : delta * 2) + 1);
      last = number;
    }
  }
  return bytes.list;
}

/** Encodes which architectures can be guessed from which, two bytes each: place + 1, or 0. */
function encodeSimilar() {
  const place = (name) => ARCHITECTURES.findIndex((a) => a.name === name) + 1;
  return ARCHITECTURES.flatMap(({ name }) => [0, 1].map((i) => place(SIMILAR[name][i])));
}

/**
 * Prototypes: a pool of arguments, a pool of lists of them, the most common list of each call and
 * the architectures that differ.
 */
function encodePrototypes({ names, args }, constantSet) {
  const words = new Pool();
  const atoms = new Pool();
  const prototypes = new Pool();
  words.add('');
  const atomOf = (call, argument) => {
    const set = constantSet(call, argument);
    const parts = [
      words.add(argument.name),
      words.add(argument.alias ?? ''),
      CLASSES.indexOf(argument.class) | (argument.short ? 8 : 0),
      set + 1,
    ];
    return atoms.add(parts, parts.join());
  };
  const calls = new Bytes();
  const exceptions = new Bytes();
  let exceptionCount = 0;
  names.forEach((call, id) => {
    const masks = new Map();
    ARCHITECTURES.forEach(({ name }, index) => {
      const list = args.get(name).get(call);
      if (list === undefined) return;
      const ids = list.map((argument) => atomOf(call, argument));
      const prototype = prototypes.add(ids, ids.join());
      masks.set(prototype, (masks.get(prototype) ?? 0) | (1 << index));
    });
    const bits = (mask) => mask.toString(2).replaceAll('0', '').length;
    const [[common], ...others] = [...masks].sort((a, b) => bits(b[1]) - bits(a[1]));
    calls.unsigned(common);
    for (const [prototype, mask] of others) {
      exceptions.unsigned(id).unsigned(mask).unsigned(prototype);
      exceptionCount++;
    }
  });
  const atomBytes = new Bytes();
  for (const parts of atoms.list) for (const part of parts) atomBytes.unsigned(part);
  const listBytes = new Bytes();
  for (const ids of prototypes.list) {
    listBytes.unsigned(ids.length);
    for (const id of ids) listBytes.unsigned(id);
  }
  return {
    words: words.list,
    atomCount: atoms.list.length,
    prototypeCount: prototypes.list.length,
    exceptionCount,
    atoms: atomBytes.list,
    lists: listBytes.list,
    calls: calls.list,
    exceptions: exceptions.list,
  };
}

function encodeSince({ names, since }) {
  const bytes = new Bytes();
  let count = 0;
  let last = 0;
  names.forEach((name, id) => {
    const version = since.get(name);
    if (version === undefined) return;
    bytes.unsigned(id - last).unsigned(version);
    last = id;
    count++;
  });
  return { count, list: bytes.list, versions: [...since.values()] };
}

/**
 * The two generated files.
 *
 * @param constantSet says which set of constants belongs to an argument of a call, or -1
 */
export function writeCalls(calls, versions, constantSet) {
  const prototypes = encodePrototypes(calls, constantSet);
  const since = encodeSince(calls);
  const newest = Math.max(...since.versions);
  const kernel = `${newest >> 8}.${newest & 255}`;
  const header =
    `${banner('Sizes and streams of the system call tables, read by tables.c.', versions)}` +
    `#ifndef WASBOX_SYSCALLS_GENERATED_H\n#define WASBOX_SYSCALLS_GENERATED_H\n\n` +
    `#include <stdint.h>\n\n` +
    `#define WB_TABLES_VERSION "${kernel}"\n` +
    `#define WB_CALL_COUNT ${calls.names.length}\n` +
    `#define WB_CALL_NAMES_SIZE ${calls.names.join(' ').length + 1}\n` +
    `#define WB_ATOM_COUNT ${prototypes.atomCount}\n` +
    `#define WB_PROTOTYPE_COUNT ${prototypes.prototypeCount}\n` +
    `#define WB_EXCEPTION_COUNT ${prototypes.exceptionCount}\n` +
    `#define WB_SINCE_COUNT ${since.count}\n` +
    `#define WB_WORD_COUNT ${prototypes.words.length}\n\n` +
    `extern const char wb_call_names[];\nextern const char wb_argument_words[];\n` +
    ['numbers', 'similar', 'atoms', 'prototypes', 'calls', 'exceptions', 'since']
      .map((name) => `extern const uint8_t wb_blob_${name}[];\n`)
      .join('') +
    `\n#endif\n`;
  const source = [
    banner('Names, numbers and prototypes of the system calls.', versions),
    '#include "syscalls.generated.h"\n',
    frontCodedArray('wb_call_names', calls.names),
    nameArray('wb_argument_words', prototypes.words),
    byteArray('wb_blob_numbers', encodeNumbers(calls)),
    byteArray('wb_blob_similar', encodeSimilar()),
    byteArray('wb_blob_atoms', prototypes.atoms),
    byteArray('wb_blob_prototypes', prototypes.lists),
    byteArray('wb_blob_calls', prototypes.calls),
    byteArray('wb_blob_exceptions', prototypes.exceptions),
    byteArray('wb_blob_since', since.list),
  ].join('\n');
  return { header, source };
}
