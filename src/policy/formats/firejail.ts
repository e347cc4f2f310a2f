/**
 * The system call settings of firejail's profiles.
 *
 *   seccomp                      refuse the calls of @default
 *   seccomp a,@group,!b:ERRNO    the same, with a and the group, without b
 *   seccomp.drop a,b             refuse these only          seccomp.keep a,b     allow these only
 *   seccomp.32 …                 the same for i386's calls  seccomp.block-secondary
 *   seccomp-error-action kill|log|ERRNO        protocol unix,inet,…
 *   memory-deny-write-execute                  restrict-namespaces [user,net,…]
 *
 * Everything else of a profile is about other things than calls. Lists of several lines are joined. A list
 * with `!` before a call leaves that call alone. What firejail allows to start programs with, it refuses after.
 */
import { architectures, callName, callNumber } from '../../core/index.js';
import { Tables } from './calls.js';
import {
  Findings,
  type FormatInput,
  type FormatResult,
  mostSource,
  type SourceText,
  type Span,
} from './findings.js';
import { firejailGroups } from './firejail-groups.js';
import { besideText, type ListedCalls, layersText, type Refusal } from './layers.js';

const namespaceBits: Readonly<Record<string, number>> = {
  cgroup: 0x0200_0000,
  ipc: 0x0800_0000,
  net: 0x4000_0000,
  mnt: 0x0002_0000,
  pid: 0x2000_0000,
  time: 0x80,
  user: 0x1000_0000,
  uts: 0x0400_0000,
};

const protocols: Readonly<Record<string, string>> = {
  unix: 'AF_UNIX',
  inet: 'AF_INET',
  inet6: 'AF_INET6',
  netlink: 'AF_NETLINK',
  packet: 'AF_PACKET',
  bluetooth: 'AF_BLUETOOTH',
};

/** A line of a profile: its command and what follows. */
interface Line extends Span {
  readonly command: string;
  readonly rest: string;
}

const mostLines = 16_384;
const deepest = 8;

/** A list of calls; the first that names a call decides. */
interface List {
  readonly span: Span;
  readonly items: readonly string[];
}

/** A way to filter one architecture's calls. */
interface Plan {
  drops: boolean;
  keeps: boolean;
  withDefault: boolean;
  readonly lists: List[];
}

const emptyPlan = (): Plan => ({ drops: false, keeps: false, withDefault: false, lists: [] });

class Reader {
  private readonly findings: Findings;
  private readonly files: FormatInput['files'];
  private readonly tables: Tables;
  private readonly index: number;
  private refusal = 'errno(EPERM)';

  constructor(findings: Findings, files: FormatInput['files'], target: string) {
    this.findings = findings;
    this.files = files;
    this.tables = new Tables(target);
    this.index = architectures().find(({ name }) => name === target)?.index ?? 0;
  }

  private fail(span: Span, code: string, message: string, hint?: string): undefined {
    this.findings.error({ code, span, message, hint });
    return undefined;
  }

  /** The lines of a profile and of the files that it includes. */
  lines(source: SourceText, open: readonly string[] = []): Line[] {
    const found: Line[] = [];
    let at = 0;
    for (const raw of source.text.split('\n')) {
      const span = { source, start: at, end: at + raw.length };
      at += raw.length + 1;
      const line = raw.replace(/#.*/, '').trim();
      if (line === '') continue;
      const [, command = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(line) ?? [];
      if (command === 'include') found.push(...this.included(rest, span, open));
      else found.push({ ...span, command, rest });
      if (found.length > mostLines) {
        this.fail(span, 'too-large', `more than ${mostLines} lines`);
        break;
      }
    }
    return found;
  }

  private included(name: string, span: Span, open: readonly string[]): Line[] {
    const text = Object.hasOwn(this.files, name) ? this.files[name] : undefined;
    if (text === undefined) return []; // as firejail's *.local files, most of which do not exist
    if (open.includes(name))
      return this.fail(span, 'include-cycle', `${name} includes itself`) ?? [];
    if (open.length >= deepest)
      return this.fail(span, 'include-depth', 'includes are nested too deeply') ?? [];
    if (text.length > mostSource)
      return this.fail(span, 'too-large', `\`${name}\` is larger than 1 MiB`) ?? [];
    return this.lines({ name, text }, [...open, name]);
  }

  private action(word: string, span: Span): string | undefined {
    if (word === 'kill') return 'kill_process';
    if (word === 'log') return 'log';
    if (/^E[A-Z0-9]+$/.test(word) && this.tables.constant(word) !== undefined)
      return `errno(${word})`;
    const hint = 'It is kill, log, or the name of an errno, such as EPERM.';
    return this.fail(span, 'errno', `not an action: ${word}`, hint);
  }

  errorAction(lines: readonly Line[]): void {
    for (const line of lines)
      if (line.command === 'seccomp-error-action')
        this.refusal = this.action(line.rest, line) ?? this.refusal;
  }

  get refused(): string {
    return this.refusal;
  }

  /** The calls that a word of a list names, without its mark and errno. */
  private callsOf(word: string, span: Span): readonly string[] {
    const at = span.source.text.indexOf(word, span.start);
    const place = { ...span, start: at, end: at + word.length };
    if (word.startsWith('@')) {
      const members = firejailGroups.get(word.slice(1));
      return members ?? this.fail(place, 'group', `unknown group \`${word}\``) ?? [];
    }
    const [, digits] = /^\$(\d{1,4})$/.exec(word) ?? [];
    if (digits !== undefined) {
      const name = callName(this.index, Number(digits));
      if (name === undefined)
        this.findings.warning({
          code: 'unknown-call',
          span: place,
          message: `left out: no system call has the number ${digits}`,
        });
      return name === undefined ? [] : [name];
    }
    if (this.tables.has(word)) return [word];
    this.findings.unknownCall(place, word);
    return [];
  }

  /**
   * Returns whether an item of a list is a call to leave alone. To firejail that is a negative number, so the mark is
   * lost before the call with the number 0: read on x86_64.
   */
  private leaves(item: string): boolean {
    return item.startsWith('!') && callNumber(this.index, item.slice(1)) !== 0;
  }

  /** All lists of an architecture together; undefined where there are none. */
  listed(plan: Plan, debuggers: boolean): ListedCalls | undefined {
    if (!plan.drops && !plan.keeps) return undefined;
    const calls = new Map<string, string>();
    const left = new Set<string>();
    for (const { items, span } of plan.lists)
      for (const item of items)
        if (this.leaves(item)) for (const call of this.callsOf(item.slice(1), span)) left.add(call);
    const add = (call: string, action: string) => {
      if (!left.has(call) && !calls.has(call)) calls.set(call, action);
    };
    // A list of what to keep counts, whatever is to be dropped.
    if (plan.keeps)
      for (const call of firejailGroups.get('default-keep') ?? []) calls.set(call, 'allow');
    else if (plan.withDefault)
      for (const call of firejailGroups.get(debuggers ? 'default' : 'default-nodebuggers') ?? [])
        add(call, this.refusal);
    for (const { items, span } of plan.lists)
      for (const item of items) {
        if (this.leaves(item)) continue;
        const [word = '', errno] = item.replace(/^!/, '').split(':');
        const action =
          errno === undefined ? this.refusal : (this.action(errno, span) ?? this.refusal);
        // A group with an errno is no group that firejail knows.
        const named = word.startsWith('@') ? item : word;
        for (const call of this.callsOf(named, span)) add(call, plan.keeps ? 'allow' : action);
      }
    return { calls, allows: plan.keeps, otherwise: plan.keeps ? this.refusal : 'allow' };
  }

  /** The filters beside the list. */
  refusals(lines: readonly Line[]): Refusal[] {
    const found: Refusal[] = [];
    const action = this.refusal;
    const has = (command: string) => lines.filter((line) => line.command === command);
    const sockets = has('protocol').flatMap((line) =>
      line.rest.split(',').flatMap((word) => {
        const name = word.trim();
        if (Object.hasOwn(protocols, name)) return protocols[name] ?? [];
        return this.fail(line, 'protocol', `unknown protocol \`${name}\``) ?? [];
      }),
    );
    if (sockets.length > 0) {
      const where = `arg0 not in [${[...new Set(sockets)].join(', ')}]`;
      found.push({ action: 'errno(EOPNOTSUPP)', calls: ['socket'], where });
    }
    if (has('memory-deny-write-execute').length > 0)
      found.push(
        { action, calls: ['mmap'], where: 'arg2 & 6 == 6', on: ['x86_64', 'aarch64'] },
        { action, calls: ['mmap2'], where: 'arg2 & 6 == 6', on: ['i386', 'arm'] },
        { action, calls: ['mprotect', 'pkey_mprotect'], where: 'arg2 & 4 == 4' },
        {
          action,
          calls: ['shmat'],
          where: 'arg2 & 0x8000 == 0x8000',
          on: ['x86_64', 'aarch64', 'arm'],
        },
        { action, calls: ['memfd_create'] },
      );
    const [spaces] = has('restrict-namespaces');
    if (spaces !== undefined) found.push(...this.namespaces(has('restrict-namespaces')));
    if (has('seccomp.block-secondary').length > 0)
      found.push({ action, calls: ['personality'], where: 'arg0 as u64 not in [0, 0xffffffff]' });
    return found;
  }

  private namespaces(lines: readonly Line[]): Refusal[] {
    const action = this.refusal;
    let bits = 0;
    for (const line of lines)
      for (const word of line.rest === '' ? Object.keys(namespaceBits) : line.rest.split(',')) {
        const name = word.trim();
        if (Object.hasOwn(namespaceBits, name)) bits |= namespaceBits[name] ?? 0;
        else this.fail(line, 'namespace', `unknown kind of namespace \`${name}\``);
      }
    const mask = `0x${bits.toString(16)}`;
    return [
      { action, calls: ['clone', 'unshare'], where: `arg0 & ${mask}` },
      { action, calls: ['setns'], where: 'arg1 == 0' },
      { action, calls: ['setns'], where: `arg1 & ${mask}` },
      { action: 'errno(ENOSYS)', calls: ['clone3'] },
    ];
  }
}

/** Returns what the lines say of the lists of calls: the machine's own and i386's. */
function plansOf(lines: readonly Line[]): { own: Plan; secondary: Plan } {
  const own = emptyPlan();
  const secondary = emptyPlan();
  for (const line of lines) {
    const [, narrow, kind = ''] = /^seccomp(\.32)?(?:\.(drop|keep))?$/.exec(line.command) ?? [];
    if (!/^seccomp(?:\.32)?(?:\.(?:drop|keep))?$/.test(line.command)) continue;
    const plan = narrow === undefined ? own : secondary;
    if (kind === 'keep') plan.keeps = true;
    else plan.drops = true;
    if (kind === '') plan.withDefault = true;
    const items = line.rest.split(',').map((item) => item.trim());
    plan.lists.push({ span: line, items: items.filter((item) => item !== '') });
  }
  return { own, secondary };
}

const concerning = /^(?:seccomp|protocol$|memory-deny-write-execute$|restrict-namespaces$)/;

export function readFirejail({ source, files, targets }: FormatInput): FormatResult {
  const findings = new Findings();
  const native = targets[0] ?? 'x86_64';
  const reader = new Reader(findings, files, native);
  const lines = reader.lines(source);
  if (!lines.some(({ command }) => concerning.test(command)) && !findings.failed) {
    const message = 'no line that filters system calls, such as seccomp';
    findings.error({ code: 'empty', span: { source, start: 0, end: 1 }, message });
  }
  reader.errorAction(lines);
  const { own, secondary } = plansOf(lines);
  const debuggers = lines.some(({ command }) => command === 'allow-debuggers');
  const listed = reader.listed(own, debuggers);
  const refusals = reader.refusals(lines);
  const both = native === 'x86_64' && (secondary.drops || secondary.keeps) && targets.length === 0;
  const foreign = reader.refused === 'log' ? undefined : reader.refused;
  const main = { targets: [native], listed, refusals, foreign };
  const blocks = lines.some(({ command }) => command === 'seccomp.block-secondary');
  if (!both && !blocks)
    findings.warning({
      code: 'foreign',
      span: { source, start: 0, end: 1 },
      message:
        'without seccomp.block-secondary firejail lets calls of other architectures pass; the policy refuses them',
    });
  const other = { targets: ['i386'], listed: reader.listed(secondary, debuggers), refusals };
  const text = both ? besideText(main, other) : layersText(main);
  return { text: findings.failed ? undefined : text, diagnostics: findings.list };
}
