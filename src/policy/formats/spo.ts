/**
 * Profiles of the Security Profiles Operator (Kubernetes), in YAML or JSON: an OCI profile below `spec`.
 *
 *   kind: SeccompProfile
 *   spec:
 *     baseProfileName: runc-v1.2.0        another profile, whose calls it has as well
 *     defaultAction: SCMP_ACT_ERRNO
 *     syscalls: [ { action: SCMP_ACT_ALLOW, names: [read], args: [ … ] } ]
 *
 * As the operator does: of a profile and its base the less restrictive entry decides; the default is the
 * profile's own. Values are compared in the width that the kernel reads.
 */
import { type Comparison, type Expression, TooComplex, termsOf, termText } from './boolean.js';
import { ruleText, Tables } from './calls.js';
import {
  Findings,
  type FormatInput,
  type FormatResult,
  mostSource,
  type SourceText,
  type Span,
} from './findings.js';
import type { JsonNode } from './json.js';
import { parseYaml } from './yaml.js';

/** The actions from the least restrictive on. */
const ranks = ['allow', 'log', 'notify', 'trace', 'errno', 'trap', 'kill_thread', 'kill_process'];

const actions: Readonly<Record<string, string>> = {
  SCMP_ACT_ALLOW: 'allow',
  SCMP_ACT_LOG: 'log',
  SCMP_ACT_NOTIFY: 'notify',
  SCMP_ACT_TRACE: 'trace',
  SCMP_ACT_ERRNO: 'errno',
  SCMP_ACT_TRAP: 'trap',
  SCMP_ACT_KILL: 'kill_thread',
  SCMP_ACT_KILL_THREAD: 'kill_thread',
  SCMP_ACT_KILL_PROCESS: 'kill_process',
};

const operators: Readonly<Record<string, Comparison['op']>> = {
  SCMP_CMP_NE: '!=',
  SCMP_CMP_LT: '<',
  SCMP_CMP_LE: '<=',
  SCMP_CMP_EQ: '==',
  SCMP_CMP_GE: '>=',
  SCMP_CMP_GT: '>',
};

const architectureNames: Readonly<Record<string, string>> = {
  SCMP_ARCH_X86_64: 'x86_64',
  SCMP_ARCH_X86: 'i386',
  SCMP_ARCH_X32: 'x32',
  SCMP_ARCH_AARCH64: 'aarch64',
  SCMP_ARCH_ARM: 'arm',
  SCMP_ARCH_RISCV64: 'riscv64',
  SCMP_ARCH_PPC64LE: 'ppc64le',
  SCMP_ARCH_S390X: 's390x',
  SCMP_ARCH_MIPSEL64: 'mips64el',
  SCMP_ARCH_LOONGARCH64: 'loongarch64',
};

/** The answer of an entry for one call; without terms it is for all arguments. */
interface Rule {
  readonly action: string;
  readonly terms: readonly (readonly Comparison[])[] | undefined;
}

interface Profile {
  readonly byDefault: string;
  readonly architectures: readonly string[];
  readonly rules: ReadonlyMap<string, readonly Rule[]>;
}

const mostRules = 16_384;
const deepest = 8;

const kindOf = (action: string): string => action.replace(/\(.*/, '');

class Reader {
  private readonly findings: Findings;
  private readonly input: FormatInput;
  private readonly tables: Tables;
  private count = 0;

  constructor(findings: Findings, input: FormatInput, target: string) {
    this.findings = findings;
    this.input = input;
    this.tables = new Tables(target);
  }

  private fail(span: Span, code: string, message: string, hint?: string): undefined {
    this.findings.error({ code, span, message, hint });
    return undefined;
  }

  private shape(span: Span, what: string): undefined {
    return this.fail(span, 'shape', `\`${what}\` is missing or of the wrong type`);
  }

  private member(node: JsonNode, name: string): JsonNode | undefined {
    const found = node.kind === 'object' ? node.members.get(name) : undefined;
    return found?.kind === 'null' ? undefined : found;
  }

  private text(node: JsonNode, name: string): string | undefined {
    const found = this.member(node, name);
    return found?.kind === 'string' ? found.value : undefined;
  }

  /** The profiles of a file, of which `part` names one. */
  profile(
    source: SourceText,
    part: string | undefined,
    open: readonly string[],
  ): Profile | undefined {
    const documents = parseYaml(source, this.findings);
    if (documents === undefined) return undefined;
    const found = documents.filter((one) => this.text(one, 'kind') === 'SeccompProfile');
    const nameOf = (one: JsonNode) => {
      const metadata = this.member(one, 'metadata');
      return (metadata && this.text(metadata, 'name')) ?? '';
    };
    const chosen = part === undefined ? found : found.filter((one) => nameOf(one) === part);
    const [only] = chosen;
    if (only !== undefined && (chosen.length === 1 || open.length > 0))
      return this.spec(only, [...open, nameOf(only)]);
    const names = found.slice(0, 20).map(nameOf).join(', ');
    return found.length === 0
      ? this.fail({ source, start: 0, end: 1 }, 'shape', 'there is no SeccompProfile in it')
      : this.fail(
          { source, start: 0, end: 1 },
          'part',
          'there are several profiles',
          `Choose one with --part: ${names}.`,
        );
  }

  private spec(document: JsonNode, open: readonly string[]): Profile | undefined {
    const spec = this.member(document, 'spec');
    if (spec?.kind !== 'object') return this.shape(spec ?? document, 'spec');
    const byDefault = this.action(spec, 'defaultAction');
    const rules = new Map<string, Rule[]>();
    const list = this.member(spec, 'syscalls');
    if (list !== undefined && list.kind !== 'array') return this.shape(list, 'syscalls');
    for (const entry of list?.items ?? []) this.entry(entry, byDefault ?? '', rules);
    const own: Profile = {
      byDefault: byDefault ?? '',
      architectures: this.architectures(spec),
      rules: settled(rules),
    };
    const base = this.member(spec, 'baseProfileName');
    if (base === undefined) return own;
    if (base.kind !== 'string') return this.shape(base, 'baseProfileName');
    const below = this.base(base.value, base, open);
    return below && union(own, below);
  }

  /** The profile that another builds on, from a file of its name. */
  private base(name: string, span: Span, open: readonly string[]): Profile | undefined {
    if (open.includes(name)) return this.fail(span, 'include-cycle', `${name} builds on itself`);
    if (open.length > deepest)
      return this.fail(span, 'include-depth', 'profiles build on each other too deeply');
    const files = baseFiles(name);
    const file = files.find((one) => Object.hasOwn(this.input.files, one));
    const text = file === undefined ? undefined : this.input.files[file];
    if (file === undefined || text === undefined) {
      const hint = `Save it as ${files[0]} in the same directory.`;
      return this.fail(span, 'include', `base profile \`${name}\` not found`, hint);
    }
    if (text.length > mostSource)
      return this.fail(span, 'too-large', `\`${file}\` is larger than 1 MiB`);
    return this.profile({ name: file, text }, undefined, [...open, name]);
  }

  private action(node: JsonNode, member: string): string | undefined {
    const found = this.member(node, member);
    if (found?.kind !== 'string') return this.shape(found ?? node, member);
    const kind = Object.hasOwn(actions, found.value) ? actions[found.value] : undefined;
    if (kind === undefined)
      return this.fail(
        found,
        'action',
        `unknown action \`${found.value}\``,
        'Actions start with SCMP_ACT_.',
      );
    if (kind !== 'errno' && kind !== 'trace') return kind;
    const value = this.member(node, 'errnoRet');
    if (value === undefined) return `${kind}(1)`;
    const most = kind === 'errno' ? 4095n : 65_535n;
    if (
      value.kind !== 'number' ||
      value.value === undefined ||
      value.value < 0n ||
      value.value > most
    )
      return this.fail(value, 'errno', 'not an errno', 'An errno is a number from 0 to 4095.');
    return `${kind}(${value.value})`;
  }

  private architectures(spec: JsonNode): string[] {
    const list = this.member(spec, 'architectures');
    if (list !== undefined && list.kind !== 'array') this.shape(list, 'architectures');
    const items = list?.kind === 'array' ? list.items : [];
    return items.flatMap((item) => {
      if (item.kind !== 'string') return this.shape(item, 'architectures') ?? [];
      const name = Object.hasOwn(architectureNames, item.value)
        ? architectureNames[item.value]
        : undefined;
      if (name === undefined) {
        const message = `left out: unknown architecture \`${item.value}\``;
        this.findings.warning({ code: 'unknown-arch', span: item, message });
      }
      return name ?? [];
    });
  }

  private entry(entry: JsonNode, byDefault: string, rules: Map<string, Rule[]>): void {
    const action = this.action(entry, 'action');
    const names = this.member(entry, 'names');
    if (names?.kind !== 'array') {
      this.shape(names ?? entry, 'names');
      return;
    }
    if (action === undefined || action === byDefault) return;
    for (const name of names.items) {
      if (name.kind !== 'string') this.shape(name, 'names');
      else if (!this.tables.has(name.value)) this.findings.unknownCall(name, name.value);
      else if (++this.count > mostRules)
        this.fail(name, 'too-large', `more than ${mostRules} calls`);
      else {
        const terms = this.terms(entry, name.value, name);
        if (terms === null) continue;
        const before = rules.get(name.value) ?? [];
        rules.set(name.value, [...before, { action, terms }]);
      }
      if (this.count > mostRules) return;
    }
  }

  /** The conditions of an entry for a call; undefined for all arguments, null where they are wrong. */
  private terms(entry: JsonNode, call: string, span: Span): Rule['terms'] | null {
    const list = this.member(entry, 'args');
    if (list === undefined || (list.kind === 'array' && list.items.length === 0)) return undefined;
    if (list.kind !== 'array') return this.shape(list, 'args') ?? null;
    const known = this.tables.argumentsOf(call);
    const tests = list.items.map((item) => this.test(item, known, call));
    if (tests.includes(undefined)) return null;
    const each = tests.flatMap((test): Expression[] => (test ? [{ kind: 'test', test }] : []));
    // Libseccomp's callers do the same: of two conditions on one argument, one is enough.
    const joined = new Set(tests.map((test) => test?.arg)).size < tests.length ? 'or' : 'and';
    try {
      return termsOf(each.reduce((left, right) => ({ kind: joined, left, right })));
    } catch (error) {
      if (!(error instanceof TooComplex)) throw error;
      return this.fail(span, 'too-complex', 'the conditions have too many cases') ?? null;
    }
  }

  private test(
    node: JsonNode,
    known: readonly { readonly bits: number }[],
    call: string,
  ): Comparison | undefined {
    const integer = (name: string, most: bigint, otherwise?: bigint): bigint | undefined => {
      const found = this.member(node, name);
      if (found === undefined && otherwise !== undefined) return otherwise;
      if (found?.kind === 'number' && found.value !== undefined)
        if (found.value >= 0n && found.value <= most) return found.value;
      return this.shape(found ?? node, name);
    };
    const index = integer('index', 5n);
    const value = integer('value', 0xffff_ffff_ffff_ffffn, 0n);
    const second = integer('valueTwo', 0xffff_ffff_ffff_ffffn, 0n);
    const op = this.text(node, 'op');
    if (index === undefined || value === undefined || second === undefined) return undefined;
    if (known.length > 0 && Number(index) >= known.length)
      return this.fail(node, 'index', `${call} has ${known.length} arguments`);
    const arg = Number(index);
    const width = (known[arg]?.bits ?? 64) > 32 ? 64 : 32;
    if (op === 'SCMP_CMP_MASKED_EQ') {
      const full = width === 32 ? 0xffff_ffffn : 0xffff_ffff_ffff_ffffn;
      return { arg, width, mask: value & full, op: '==', value: second & value };
    }
    const sign = op !== undefined && Object.hasOwn(operators, op) ? operators[op] : undefined;
    if (sign === undefined)
      return this.fail(
        this.member(node, 'op') ?? node,
        'operator',
        'unknown operator',
        'Operators start with SCMP_CMP_.',
      );
    return { arg, width, op: sign, value };
  }
}

/** Keeps, of a call with an entry for all arguments, only that one, which decides. */
function settled(rules: ReadonlyMap<string, readonly Rule[]>): Map<string, readonly Rule[]> {
  return new Map(
    [...rules].map(([call, list]) => {
      const plain = list.find(({ terms }) => terms === undefined);
      return [call, plain === undefined ? list : [plain]];
    }),
  );
}

function union(own: Profile, base: Profile): Profile {
  const calls = new Set([...own.rules.keys(), ...base.rules.keys()]);
  const rules = new Map<string, readonly Rule[]>();
  for (const call of calls)
    rules.set(call, [...(base.rules.get(call) ?? []), ...(own.rules.get(call) ?? [])]);
  const architectures = [...new Set([...base.architectures, ...own.architectures])];
  return { byDefault: own.byDefault, architectures, rules };
}

/** Where a base profile may be, by its name. */
export function baseFiles(name: string): string[] {
  const short = name.replace(/^oci:\/\//, '').replace(/^.*\//, '');
  const stem = short.replace(/[:@].*$/, '');
  const stems = stem === short ? [short] : [short.replaceAll(/[:@]/g, '-'), stem];
  return stems.flatMap((one) => [`${one}.yaml`, `${one}.yml`, `${one}.json`]);
}

export function readSpo(input: FormatInput): FormatResult {
  const findings = new Findings();
  const { targets } = input;
  const target = targets[0] ?? 'x86_64';
  const profile = new Reader(findings, input, target).profile(input.source, input.part, []);
  if (profile === undefined || findings.failed)
    return { text: undefined, diagnostics: findings.list };
  const { byDefault, architectures, rules } = profile;
  const groups = new Map<string, string[]>();
  for (const [call, list] of rules)
    for (const { action, terms } of list)
      for (const term of terms ?? [[]]) {
        const key = `${action}\t${termText(term)}`;
        const group = groups.get(key);
        if (group === undefined) groups.set(key, [call]);
        else if (group.at(-1) !== call) group.push(call);
      }
  const rank = ([key]: readonly [string, unknown]) =>
    ranks.indexOf(kindOf(key.split('\t')[0] ?? ''));
  const lines = [...groups]
    .sort((a, b) => rank(a) - rank(b))
    .map(([key, calls]) => {
      const [action = '', where = ''] = key.split('\t');
      return ruleText(action, calls, where);
    });
  const own = architectures.length > 0 ? architectures : [target];
  const head = `target ${(targets.length > 0 ? targets : own).join(', ')}\ndefault ${byDefault}\nunknown ${byDefault}\n\n`;
  return { text: head + lines.join(''), diagnostics: findings.list };
}
