/** Asks what a compiled policy decides, for many calls at once. */
import {
  architectures,
  type CoreDecision,
  type CoreEvent,
  type CoreRequest,
  type CoreResult,
  callNumber,
  compile,
  constantValue,
  decodeProgram,
} from '../../core/index.js';
import { actionText, readAction } from '../action.js';
import { examplesOf } from '../paths.js';
import type { Architecture } from '../source.js';

/** Returns whether a call runs: allowed, or allowed and logged. */
export const permits = (action: number): boolean => {
  const kind = (action & 0x7fff_0000) >>> 0;
  return action >>> 31 === 0 && (kind === 0x7fff_0000 || kind === 0x7ffc_0000);
};

/** Rules above have this and more; see `WB_DECIDED_BY_*`. */
const firstSpecial = 0xffff_fffd;

/** How a call is judged. */
export interface Judged {
  readonly allowed: boolean;
  /** Position of the rule that decided; undefined for the default. */
  readonly rule: number | undefined;
  /** Refused as if the kernel lacked it, so that programs use another call. */
  readonly missing: boolean;
}

export interface Target {
  readonly index: number;
  readonly name: string;
  /** One decision for each way through the filter; undefined where the target lacks the call. */
  ways(call: string): readonly Judged[] | undefined;
  decide(call: string, args: readonly bigint[]): Judged | undefined;
  constant(name: string): bigint | undefined;
}

interface Asked {
  readonly key: string;
  readonly event: CoreEvent;
}

/** The questions of a lint about a target before it judges. */
export interface Questions {
  readonly calls: readonly string[];
  readonly values: (constant: (name: string) => bigint | undefined) => readonly {
    readonly call: string;
    readonly args: readonly bigint[];
  }[];
}

const keyOf = (call: string, args: readonly bigint[]) => `${call} ${args.join(' ')}`;

/** Judges a policy that compiles, on each of its targets. */
export function judge(
  request: CoreRequest,
  result: CoreResult,
  { calls, values }: Questions,
): Target[] {
  const big = result.numbers.bigEndian === 1;
  const { instructions } = decodeProgram(result.program, big);
  const known = architectures().filter(({ index }) => (result.numbers.targets >>> index) & 1);
  const asked: Asked[] = [];
  const ways = new Map<string, number[]>();
  for (const { index, audit, numberBase } of known) {
    const numberOf = (call: string) => {
      const number = callNumber(index, call);
      return number === undefined ? undefined : (number + numberBase) >>> 0;
    };
    for (const call of calls) {
      const nr = numberOf(call);
      if (nr === undefined) continue;
      const places: number[] = [];
      for (const args of examplesOf(instructions, big, audit, nr)) {
        places.push(asked.length);
        asked.push({ key: '', event: { arch: audit, nr, args } });
      }
      ways.set(`${index} ${call}`, places);
    }
    for (const { call, args } of values((name) => constantValue(index, name))) {
      const nr = numberOf(call);
      if (nr === undefined) continue;
      const all = [...args, 0n, 0n, 0n, 0n, 0n, 0n].slice(0, 6);
      asked.push({ key: `${index} ${keyOf(call, args)}`, event: { arch: audit, nr, args: all } });
    }
  }
  const { decisions } = compile({ ...request, events: asked.map(({ event }) => event) });
  const read = ({ action, rule }: CoreDecision, arch: string): Judged => ({
    allowed: permits(action),
    rule: rule >= firstSpecial ? undefined : rule,
    missing: actionText(readAction(action), arch as Architecture) === 'errno(ENOSYS)',
  });
  const byKey = new Map<string, CoreDecision>();
  asked.forEach(({ key }, i) => {
    const decision = decisions[i];
    if (key !== '' && decision !== undefined) byKey.set(key, decision);
  });
  return known.map(({ index, name }) => ({
    index,
    name,
    ways: (call) =>
      ways.get(`${index} ${call}`)?.flatMap((at) => {
        const decision = decisions[at];
        return decision === undefined ? [] : [read(decision, name)];
      }),
    decide: (call, args) => {
      const decision = byKey.get(`${index} ${keyOf(call, args)}`);
      return decision === undefined ? undefined : read(decision, name);
    },
    constant: (constant) => constantValue(index, constant),
  }));
}
