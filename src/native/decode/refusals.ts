/**
 * The supervisor's table of refusals, decoded: numbers become names, arguments what a
 * policy calls them. The tables of names are loaded only where there is something to decode.
 */
import type { BuiltinVerdicts } from '../../plan/index.js';
import type { Architecture, ListedCall, ListedConstant } from '../../policy/index.js';
import type { Native } from '../types.js';
import type { NativeOutcome } from './outcome.js';
import {
  refusalLayout,
  refusalSize,
  WB_REFUSAL_TEXT_MAX,
  WB_TARGET_ADDRESS,
  WB_TARGET_NAME,
  WB_TARGET_PATH,
} from './records.generated.js';
import type { RefusalRecords, RefusedCall } from './records.js';
import { type Fields, part, readRows } from './struct.js';
import { loadTables, type Tables } from './tables.js';

/** Arguments that are one of a list of numbers, which joined constants would only seem to explain. */
const numbered = /^(domain|protocol|level|optname|request|option|cmd|operation|which)$/;

/** A value as a policy writes it: a constant, where it has flags constants joined by `|`, or a number. */
function valueText(value: bigint, constants: readonly ListedConstant[], flagged: boolean): string {
  const exact = constants.find((constant) => constant.value === value);
  if (exact !== undefined) return exact.name;
  if (!flagged) return numberText(value);
  const flags = constants.filter(({ value: flag }) => flag > 0n && (flag & (flag - 1n)) === 0n);
  // A number with flags above it, as the type of a socket: the fewest names, for SOCK_RAW has the bits of two others.
  const numbers = constants.flatMap(({ name, value: number }) => {
    const above = flags.filter(({ value: flag }) => (value & flag) !== 0n && flag > number);
    const all = above.reduce((sum, { value: flag }) => sum | flag, number);
    return number > 0n && all === value ? [[name, ...above.map((flag) => flag.name)]] : [];
  });
  const [fewest] = numbers.sort((a, b) => a.length - b.length);
  if (fewest !== undefined) return fewest.join(' | ');
  const names: string[] = [];
  let rest = value;
  for (const constant of constants) {
    const single = constant.value > 0n && (constant.value & (constant.value - 1n)) === 0n;
    if (!single || (rest & constant.value) === 0n) continue;
    names.push(constant.name);
    rest &= ~constant.value;
  }
  if (names.length > 0 && rest === 0n) return names.join(' | ');
  return numberText(value);
}

const numberText = (value: bigint): string =>
  value < 4096n ? value.toString() : `0x${value.toString(16)}`;

/** Returns the protocols of a family: what a protocol's number means depends on the family of the socket. */
function protocols(domain: string | undefined, set: readonly ListedConstant[]) {
  const prefix =
    domain === 'AF_NETLINK' ? 'NETLINK_' : domain?.startsWith('AF_INET') ? 'IPPROTO_' : undefined;
  return prefix === undefined ? [] : set.filter(({ name }) => name.startsWith(prefix));
}

/** Returns the options of a protocol: what an option's number means depends on the protocol that it is an option of. */
function options(level: string | undefined, set: readonly ListedConstant[]) {
  return level === 'SOL_SOCKET' ? set.filter(({ name }) => name.startsWith('SO_')) : [];
}

/** The names that an argument's value may have, beside those that are known by then. */
function namesFor(
  name: string,
  found: { readonly [name: string]: string },
  set: readonly ListedConstant[],
) {
  if (name === 'protocol') return protocols(found.domain, set);
  return name === 'optname' ? options(found.level, set) : set;
}

/** A call's arguments, each as a policy writes its value: those whose bit is set in `selectors`. */
export function namedArguments(
  record: { readonly [A in 'arg0' | 'arg1' | 'arg2' | 'arg3' | 'arg4' | 'arg5']: bigint },
  call: ListedCall | undefined,
  { constants }: Tables,
  selectors: bigint,
): { [name: string]: string } {
  const values = [record.arg0, record.arg1, record.arg2, record.arg3, record.arg4, record.arg5];
  const found: { [name: string]: string } = {};
  for (const [i, whole] of values.entries()) {
    if (((selectors >> BigInt(i)) & 1n) === 0n) continue;
    const argument = call?.arguments[i];
    if (argument === undefined && selectors < 0n) break; // all that the call has
    // The kernel reads no more bits than the argument has, and so does a policy.
    let value = BigInt.asUintN(argument?.bits ?? 64, whole);
    const name = argument?.name ?? `arg${i}`;
    // clone(2) keeps the signal of the child's end in the low byte of its flags.
    if (call?.name === 'clone' && name === 'flags') value &= ~0xffn;
    const set = argument?.constants === undefined ? [] : (constants.get(argument.constants) ?? []);
    found[name] = valueText(value, namesFor(name, found, set), !numbered.test(name));
  }
  return found;
}

const targetTypes: Readonly<Record<number, 'path' | 'address' | 'name'>> = {
  [WB_TARGET_PATH]: 'path',
  [WB_TARGET_ADDRESS]: 'address',
  [WB_TARGET_NAME]: 'name',
};

function targetOf(record: Fields<typeof refusalLayout>, text: Uint8Array): RefusedCall['target'] {
  const type = targetTypes[record.target];
  const bytes = part(text, 0, record.targetSize);
  return type && { type, bytes, truncated: record.truncated === 1 };
}

type Counted = Pick<
  NativeOutcome,
  'refusals' | 'watched' | 'watchErrno' | 'refusalsTotal' | 'refusalsDropped'
>;

/** Decodes what the supervisor counted. @param verdicts where the run had another policy than the built-in ones */
export async function readRefusals(
  native: Pick<Native, 'errnoName'>,
  arch: Architecture,
  outcome: Counted,
  verdicts: BuiltinVerdicts | undefined,
): Promise<RefusalRecords> {
  const { refusals: bytes, watched, watchErrno } = outcome;
  const tables =
    bytes.length === 0 ? { calls: new Map(), constants: new Map() } : await loadTables(arch);
  const rows = readRows(bytes, refusalLayout, refusalSize, WB_REFUSAL_TEXT_MAX);
  const calls = rows.map(({ fields: record, rest }): RefusedCall => {
    const { nr, error, arg0, arg1, arg2, arg3, arg4, arg5 } = record;
    const call = tables.calls.get(nr);
    return {
      call: call?.name ?? `call ${nr}`,
      errno: error === 0 ? undefined : native.errnoName(error).code,
      arguments: namedArguments(record, call, tables, BigInt(record.selectors)),
      target: targetOf(record, rest),
      count: Number(record.count),
      lastNs: Number(record.lastNs),
      verdict: verdicts?.(nr, [arg0, arg1, arg2, arg3, arg4, arg5]),
    };
  });
  return {
    watched,
    reason: watchErrno === 0 ? undefined : native.errnoName(watchErrno).code,
    calls,
    total: outcome.refusalsTotal,
    dropped: outcome.refusalsDropped,
  };
}
