/**
 * A finished filter, of whatever tool, as a policy: for each call the ways through the filter become
 * rules. What the policy language has no words for, such as a rule for a number without a name, is
 * told with an example.
 */
import {
  architectures,
  argumentsOf,
  callName,
  decodeProgram,
  numberLimit,
} from '../../core/index.js';
import { actionText, readAction } from '../action.js';
import { filterError } from '../filter-error.js';
import type { Architecture } from '../source.js';
import { ruleText } from './calls.js';
import { Findings, type FormatResult } from './findings.js';
import { type HalfTest, NotFollowed, type Path, unreachedIn, Walker } from './symbolic.js';

const ops: Readonly<Record<HalfTest['op'], string>> = {
  '==': '==',
  '!=': '!=',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
  any: '!=',
  none: '==',
};

function testText({ arg, high, mask, op, k }: HalfTest): string {
  const bits = op === 'any' || op === 'none';
  const shift = high ? 32n : 0n;
  const used = BigInt(bits ? (mask & k) >>> 0 : mask) << shift;
  const value = bits ? 0n : BigInt(k) << shift;
  const and = used === 0xffff_ffffn ? '' : ` & 0x${used.toString(16)}`;
  return `arg${arg} as u${high ? 64 : 32}${and} ${ops[op]} 0x${value.toString(16)}`;
}

/** The paths for a call of so many arguments; those that it does not have are 0. */
function withoutExcess(paths: readonly Path[], count: number): Path[] {
  const atZero = ({ op, k }: HalfTest) =>
    op === '<=' ||
    op === 'none' ||
    (op === '<' ? k > 0 : op === '!=' ? k !== 0 : op !== 'any' && op !== '>' && k === 0);
  return paths
    .filter(({ tests }) => tests.every((test) => test.arg < count || atZero(test)))
    .map(({ tests, action }) => ({ tests: tests.filter(({ arg }) => arg < count), action }));
}

interface Target {
  readonly name: Architecture;
  readonly index: number;
  readonly audit: number;
  readonly numberBase: number;
}

class Decompiler {
  private readonly walker: Walker;
  private readonly findings: Findings;
  private readonly constants: readonly number[];
  private readonly name: string;

  constructor(name: string, bpf: Uint8Array, big: boolean, findings: Findings) {
    const { valid, badInstruction, instructions } = decodeProgram(bpf, big);
    if (!valid) throw filterError(bpf, badInstruction);
    this.name = name;
    this.findings = findings;
    this.walker = new Walker(instructions, big);
    this.constants = [...new Set(instructions.map(({ k }) => k))];
    const [first, ...more] = unreachedIn(instructions);
    if (first === undefined) return;
    const rest = more.length === 0 ? '' : `, and ${more.length} more`;
    this.warn(`instruction ${first}: never reached${rest}`);
  }

  private warn(message: string): void {
    const source = { name: this.name, text: '' };
    this.findings.warning({ code: 'filter', span: { source, start: 0, end: 0 }, message });
  }

  action(returned: number, arch: Architecture): string {
    return actionText(readAction(returned), arch);
  }

  compares(audit: number): boolean {
    return this.constants.includes(audit);
  }

  /** Rules of a target; `shared` are those that all targets have. */
  rules(target: Target, several: boolean): string[] {
    const { index, audit, numberBase, name } = target;
    const limit = numberLimit(index);
    const excess: string[] = [];
    const groups = new Map<string, string[]>();
    for (let number = 0; number < limit; number++) {
      const call = callName(index, number);
      if (call === undefined) continue;
      const paths = this.walker.paths(audit, (number + numberBase) >>> 0);
      const own = withoutExcess(paths, argumentsOf(index, number).length);
      if (own.length < paths.length) excess.push(call);
      const key = this.pathsText(own, name);
      groups.set(key, [...(groups.get(key) ?? []), call]);
    }
    if (excess.length > 0) {
      const some = excess.slice(0, 5).join(', ');
      const more = excess.length > 5 ? ` and ${excess.length - 5} more` : '';
      this.warn(
        `on ${name} ${some}${more}: decided by an argument that the call does not have, for which the policy takes 0`,
      );
    }
    const on = several ? [name] : [];
    return [...groups].flatMap(([key, calls]) =>
      key.split('\n').map((line) => {
        const [action = '', where = ''] = line.split('\t');
        return ruleText(action, calls, where, on);
      }),
    );
  }

  /** Paths exclude one another, so the last needs no conditions. */
  private pathsText(paths: readonly Path[], arch: Architecture): string {
    const actions = paths.map(({ action }) => this.action(action, arch));
    const [first] = actions;
    if (first !== undefined && actions.every((action) => action === first)) return first;
    return paths
      .map(({ tests }, i) => {
        const where = i + 1 < paths.length ? tests.map(testText).join(' and ') : '';
        return `${actions[i]}\t${where}`;
      })
      .join('\n');
  }

  /** Checks what numbers without a name get: those beside the constants of the filter, and far ones. */
  unknown(target: Target): string {
    const { index, audit, numberBase, name } = target;
    const top = name === 'x86_64' ? 0x3fff_ffff : 0xffff_ffff;
    const numbers = new Set([numberLimit(index), 100_000, top]);
    for (const k of this.constants)
      for (const near of [k - 1, k, k + 1]) numbers.add(near - numberBase);
    for (let gap = 0; gap < numberLimit(index); gap++) numbers.add(gap);
    const found = new Map<string, number>();
    for (const number of numbers) {
      const nr = number + numberBase;
      if (number < 0 || nr > top || callName(index, number) !== undefined) continue;
      const text = this.pathsText(this.walker.paths(audit, nr), name);
      if (!found.has(text)) found.set(text, nr);
    }
    const [[usual = 'kill_process', nr] = ['kill_process', 0], ...others] = found;
    for (const [text, other] of others) {
      const action = text.includes('\t') ? 'something that depends on arguments' : text;
      this.warn(
        `on ${name} number ${other}, which names no call, gets ${action}; the policy says ${usual.split('\t')[0]}`,
      );
    }
    if (usual.includes('\t'))
      this.warn(`on ${name} number ${nr}, which names no call, is decided by its arguments`);
    return usual.split('\t')[0] ?? usual;
  }

  /** Checks what other architectures get, and x32's numbers on x86_64. */
  foreign(targets: readonly Target[]): string {
    const own = new Set(targets.map(({ audit }) => audit));
    const audits = [...architectures().map(({ audit }) => audit), 0, 0x1234];
    const numbers = [...new Set([0, ...this.constants])];
    const cases = audits
      .filter((audit) => !own.has(audit))
      .flatMap((audit) => numbers.map((nr): [number, number] => [audit, nr]));
    const isX86 = targets.some(({ name }) => name === 'x86_64');
    const x32 = isX86 && !targets.some(({ name }) => name === 'x32');
    const bit = 0x4000_0000;
    if (x32) for (const nr of [bit, bit + 1, bit + 520]) cases.push([0xc000_003e, nr]);
    const found = new Map<string, string>();
    for (const [audit, nr] of cases) {
      const text = this.pathsText(this.walker.paths(audit, nr), 'x86_64');
      const where =
        nr === 0 ? `architecture 0x${audit.toString(16)}` : `number 0x${nr.toString(16)}`;
      if (!found.has(text)) found.set(text, where);
    }
    const refusing = [...found.keys()].find((text) => /^(kill|errno|trap)[^\t]*$/.test(text));
    for (const [text, where] of found) {
      if (text === refusing) continue;
      const action = text.includes('\t') ? 'something that depends on arguments' : text;
      this.warn(`${where} gets ${action}; the policy says ${refusing ?? 'kill_process'}`);
    }
    return refusing ?? 'kill_process';
  }
}

/** Returns, for each call of an architecture, the ways through a filter, which exclude one another. */
export function pathsOfCalls(bpf: Uint8Array, arch: Architecture): Map<string, readonly Path[]> {
  const target = architectures().find(({ name }) => name === arch);
  if (target === undefined) return new Map();
  const { index, audit, numberBase, bigEndian } = target;
  const { instructions } = decodeProgram(bpf, bigEndian);
  const walker = new Walker(instructions, bigEndian);
  const found = new Map<string, readonly Path[]>();
  for (let number = 0; number < numberLimit(index); number++) {
    const call = callName(index, number);
    if (call === undefined) continue;
    const paths = walker.paths(audit, (number + numberBase) >>> 0);
    found.set(call, withoutExcess(paths, argumentsOf(index, number).length));
  }
  return found;
}

export function readFilter(name: string, bpf: Uint8Array, wanted: readonly string[]): FormatResult {
  const findings = new Findings();
  const known = architectures() as readonly (Target & { bigEndian: boolean })[];
  const big = known.some((one) => wanted.includes(one.name) && one.bigEndian);
  const decompiler = new Decompiler(name, bpf, big, findings);
  const found = known.filter((one) =>
    wanted.length > 0
      ? wanted.includes(one.name)
      : one.bigEndian === big && one.name !== 'x32' && decompiler.compares(one.audit),
  );
  const targets = found.length > 0 ? found : known.filter((one) => one.name === 'x86_64');
  try {
    const unknown = targets.map((target) => decompiler.unknown(target));
    const [usual = 'kill_process'] = unknown;
    unknown.forEach((action, i) => {
      if (action === usual) return;
      const span = { source: { name, text: '' }, start: 0, end: 0 };
      const message = `on ${targets[i]?.name} numbers that name no call get ${action}; the policy says ${usual}`;
      findings.warning({ code: 'filter', span, message });
    });
    const foreign = decompiler.foreign(targets);
    const rules = targets.flatMap((target) => decompiler.rules(target, targets.length > 1));
    const head = `target ${targets.map((one) => one.name).join(', ')}\ndefault ${usual}\nunknown ${usual}\nforeign ${foreign}\n\n`;
    return { text: head + rules.join(''), diagnostics: findings.list };
  } catch (error) {
    if (!(error instanceof NotFollowed)) throw error;
    const span = { source: { name, text: '' }, start: 0, end: 0 };
    const message = `instruction ${error.at}: ${error.message}`;
    findings.error({ code: 'filter', span, message });
    return { text: undefined, diagnostics: findings.list };
  }
}
