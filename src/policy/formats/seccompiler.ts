/**
 * seccompiler's JSON, as Firecracker and Cloud Hypervisor have it: filters by the name of a thread.
 *
 *   { "vcpu": { "default_action": "trap", "filter_action": "allow", "filter": [
 *       { "syscall": "ioctl", "args": [ { "index": 1, "type": "dword", "op": "eq", "val": 21505 } ] } ] } }
 *
 * A call gets the filter's action if one of its entries matches, else the default. As seccompiler
 * does: an entry without conditions says nothing beside one with conditions for the same call.
 */
import { type Comparison, termsOf, termText } from './boolean.js';
import { ruleText, Tables } from './calls.js';
import { Findings, type FormatInput, type FormatResult, type Span } from './findings.js';
import { type JsonNode, parseJson } from './json.js';

const plainActions: Readonly<Record<string, string>> = {
  allow: 'allow',
  kill_process: 'kill_process',
  kill_thread: 'kill_thread',
  log: 'log',
  trap: 'trap',
};

const operators: Readonly<Record<string, Comparison['op']>> = {
  eq: '==',
  ne: '!=',
  lt: '<',
  le: '<=',
  gt: '>',
  ge: '>=',
};

interface Entry {
  readonly call: string;
  /** The conditions; undefined: none. */
  readonly term: readonly Comparison[] | undefined;
}

class Reader {
  private readonly findings: Findings;
  private readonly tables: Tables;

  constructor(findings: Findings, target: string) {
    this.findings = findings;
    this.tables = new Tables(target);
  }

  private shape(span: Span, what: string): undefined {
    const message = `\`${what}\` is missing or of the wrong type`;
    this.findings.error({ code: 'shape', span, message });
    return undefined;
  }

  /** The filter of a thread. */
  filter(root: JsonNode, part: string | undefined): JsonNode | undefined {
    if (root.kind !== 'object') return this.shape(root, 'threads');
    const names = [...root.members.keys()];
    const [only] = names;
    if (part !== undefined && root.members.has(part)) return root.members.get(part);
    if (part === undefined && names.length === 1 && only !== undefined)
      return root.members.get(only);
    this.findings.error({
      code: 'part',
      span: root,
      message: part === undefined ? 'there are several filters' : `there is no filter \`${part}\``,
      hint: `Choose one with --part: ${names.slice(0, 20).join(', ')}.`,
    });
    return undefined;
  }

  action(filter: JsonNode, ...names: readonly string[]): string | undefined {
    if (filter.kind !== 'object') return undefined;
    const node = names.map((name) => filter.members.get(name)).find((one) => one !== undefined);
    if (node === undefined) return this.shape(filter, names[0] ?? '');
    if (node.kind === 'string') {
      const word = Object.hasOwn(plainActions, node.value) ? plainActions[node.value] : undefined;
      if (word !== undefined) return word;
    }
    if (node.kind === 'object' && node.members.size === 1) {
      for (const [word, most] of [
        ['errno', 4095n],
        ['trace', 65535n],
      ] as const) {
        const value = node.members.get(word);
        if (value?.kind !== 'number' || value.value === undefined) continue;
        if (value.value >= 0n && value.value <= most) return `${word}(${value.value})`;
      }
    }
    this.findings.error({ code: 'action', span: node, message: 'unknown action' });
    return undefined;
  }

  entries(filter: JsonNode): Entry[] {
    const list = filter.kind === 'object' ? filter.members.get('filter') : undefined;
    if (list?.kind !== 'array') {
      this.shape(list ?? filter, 'filter');
      return [];
    }
    return list.items.flatMap((item) => this.entry(item) ?? []);
  }

  private entry(item: JsonNode): Entry | undefined {
    const call = item.kind === 'object' ? item.members.get('syscall') : undefined;
    if (item.kind !== 'object' || call?.kind !== 'string') return this.shape(item, 'syscall');
    if (!this.tables.has(call.value)) {
      this.findings.unknownCall(call, call.value);
      return undefined;
    }
    const args = item.members.get('args');
    if (args === undefined || args.kind === 'null') return { call: call.value, term: undefined };
    if (args.kind !== 'array') return this.shape(args, 'args');
    return { call: call.value, term: args.items.flatMap((one) => this.test(one) ?? []) };
  }

  private test(node: JsonNode): Comparison | undefined {
    if (node.kind !== 'object') return this.shape(node, 'args');
    const integer = (name: string, most: bigint) => {
      const value = node.members.get(name);
      if (value?.kind === 'number' && value.value !== undefined)
        if (value.value >= 0n && value.value <= most) return value.value;
      return this.shape(value ?? node, name);
    };
    const arg = integer('index', 5n);
    const value = integer('val', 0xffff_ffff_ffff_ffffn);
    const type = node.members.get('type');
    const width = type?.kind === 'string' ? { dword: 32, qword: 64 }[type.value] : undefined;
    if (width === undefined) return this.shape(type ?? node, 'type');
    const op = node.members.get('op');
    if (arg === undefined || value === undefined) return undefined;
    const common = { arg: Number(arg), width: width as 32 | 64 };
    if (op?.kind === 'string' && Object.hasOwn(operators, op.value))
      return { ...common, op: operators[op.value] ?? '==', value: cut(value, width) };
    const mask = op?.kind === 'object' ? op.members.get('masked_eq') : undefined;
    if (mask?.kind !== 'number' || mask.value === undefined || mask.value < 0n)
      return this.shape(op ?? node, 'op');
    const bits = cut(BigInt.asUintN(64, mask.value), width);
    return { ...common, mask: bits, op: '==', value: value & bits };
  }
}

/** seccompiler compares a dword with the low half of the value. */
const cut = (value: bigint, width: number) => BigInt.asUintN(width, value);

export function readSeccompiler({ source, targets, part }: FormatInput): FormatResult {
  const findings = new Findings();
  const target = targets[0] ?? 'x86_64';
  const reader = new Reader(findings, target);
  const root = parseJson(source, findings);
  const filter = root && reader.filter(root, part);
  if (filter === undefined) return { text: undefined, diagnostics: findings.list };
  const byDefault = reader.action(filter, 'mismatch_action', 'default_action');
  const action = reader.action(filter, 'match_action', 'filter_action');
  const entries = reader.entries(filter);
  const conditional = new Set(entries.flatMap(({ call, term }) => (term ? call : [])));
  const plain = entries.filter(({ call, term }) => term === undefined && !conditional.has(call));
  const rules = [
    ...(plain.length > 0
      ? [ruleText(action ?? '', [...new Set(plain.map(({ call }) => call))])]
      : []),
    ...entries.flatMap(({ call, term }) =>
      term === undefined ? [] : rulesFor(action ?? '', call, term),
    ),
  ];
  const head = `target ${(targets.length > 0 ? targets : [target]).join(', ')}\ndefault ${byDefault}\nunknown ${byDefault}\n\n`;
  return { text: findings.failed ? undefined : head + rules.join(''), diagnostics: findings.list };
}

function rulesFor(action: string, call: string, term: readonly Comparison[]): string[] {
  const expression = term
    .map((test) => ({ kind: 'test', test }) as const)
    .reduce<Parameters<typeof termsOf>[0]>((left, right) => ({ kind: 'and', left, right }), {
      kind: 'constant',
      holds: true,
    });
  return termsOf(expression).map((tests) => ruleText(action, [call], termText(tests)));
}
