/**
 * minijail's policies.
 *
 *   call: 1 | allow | return ERRNO | kill | kill-process | kill-thread | trap | log | trace | user-notify
 *   call: test && test || test … [; action]       test: argN OP value | argN in value
 *   {call, call}: …                               several calls
 *   @default action                               what the other calls get; kill where it is missing
 *   @include file        @frequency file
 *
 * As minijail does: `arg & value` is true where any of the bits is set, `arg in value` where no bit
 * outside of it is. A line whose tests all fail gives what follows the semicolon, else the default.
 * A second line for a call is refused, unless both say the same without tests.
 */
import { ruleText, Tables } from './calls.js';
import {
  Findings,
  type FormatInput,
  type FormatResult,
  mostSource,
  type SourceText,
  type Span,
} from './findings.js';
import { type JoinedLine, joinedLines, type LinePart } from './joined-lines.js';

const actions: Readonly<Record<string, string>> = {
  '1': 'allow',
  allow: 'allow',
  kill: 'kill_process',
  'kill-process': 'kill_process',
  'kill-thread': 'kill_thread',
  trap: 'trap',
  log: 'log',
  trace: 'trace(0)',
  'user-notify': 'notify',
};

const mostStatements = 8192;

/** A line without its comment. */
function partOf(raw: string, _before: string, isLast: boolean): LinePart {
  const comment = raw.indexOf('#');
  const kept = comment < 0 ? raw : raw.slice(0, comment);
  const more = comment < 0 && kept.endsWith('\\') && !isLast;
  return { kept: more ? `${kept.slice(0, -1)} ` : kept, more };
}

function statementsOf(source: SourceText): JoinedLine[] {
  const found: JoinedLine[] = [];
  for (const statement of joinedLines(source, partOf)) {
    if (statement.line.trim() !== '') found.push(statement);
    if (found.length > mostStatements) break;
  }
  return found;
}

/** The line that decides a call. */
interface Decided {
  readonly span: Span;
  /** Its action, where it has no tests. */
  readonly plain: string | undefined;
}

class Cursor {
  at = 0;
  readonly line: string;

  constructor(line: string) {
    this.line = line;
  }

  take(pattern: RegExp): string | undefined {
    const sticky = new RegExp(`[ \\t\\r]*(${pattern.source})`, 'y');
    sticky.lastIndex = this.at;
    const match = sticky.exec(this.line);
    if (match === null) return undefined;
    this.at = sticky.lastIndex;
    return match[1];
  }

  get ended(): boolean {
    return this.line.slice(this.at).trim() === '';
  }
}

const word = /[A-Za-z0-9_-]+/;

class Reader {
  private readonly findings: Findings;
  private readonly files: FormatInput['files'];
  private readonly tables = new Tables();
  private readonly decided = new Map<string, Decided>();
  private readonly rules: string[] = [];
  private readonly weights: string[] = [];
  private byDefault = 'kill_process';

  constructor(files: FormatInput['files'], findings: Findings) {
    this.files = files;
    this.findings = findings;
  }

  read(source: SourceText): { rules: string; byDefault: string; weights: string } {
    const statements = this.expand(source, true);
    for (const one of statements) this.setting(one);
    for (const one of statements) this.rule(one);
    return {
      rules: this.rules.join(''),
      byDefault: this.byDefault,
      weights: this.weights.join('\n'),
    };
  }

  private syntax(span: Span, message = 'invalid line', hint?: string): void {
    this.findings.error({ code: 'syntax', span, message, hint });
  }

  /** Statements with those of the files that they include; minijail nests no includes. */
  private expand(source: SourceText, mayInclude: boolean): JoinedLine[] {
    const own = statementsOf(source);
    const last = own[mostStatements];
    if (last !== undefined) this.syntax(last, `more than ${mostStatements} lines`);
    return own.slice(0, mostStatements).flatMap((one) => {
      const cursor = new Cursor(one.line);
      if (cursor.take(/@include\b/) === undefined) return [one];
      const name = cursor.line.slice(cursor.at).trim();
      if (!mayInclude) {
        this.syntax(one, 'an included file cannot include another');
        return [];
      }
      const text = this.fileNamed(one, name);
      return text === undefined ? [] : this.expand({ name, text }, false);
    });
  }

  private fileNamed(span: Span, name: string): string | undefined {
    const text = Object.hasOwn(this.files, name) ? this.files[name] : undefined;
    if (text === undefined) {
      this.findings.error({ code: 'include', span, message: `can't read \`${name}\`` });
    } else if (text.length > mostSource) {
      this.findings.error({ code: 'too-large', span, message: `\`${name}\` is larger than 1 MiB` });
      return undefined;
    }
    return text;
  }

  private setting(one: JoinedLine): void {
    const cursor = new Cursor(one.line);
    if (cursor.take(/@/) === undefined) return;
    const name = cursor.take(word);
    if (name === 'frequency') {
      const file = cursor.line.slice(cursor.at).trim();
      const text = this.fileNamed(one, file);
      if (text !== undefined) this.frequencies({ name: file, text });
      return;
    }
    const action = name === 'default' ? this.action(cursor, one) : undefined;
    if (action === undefined || !cursor.ended) this.syntax(one);
    else this.byDefault = action;
  }

  /** `call: count` lines. */
  private frequencies(source: SourceText): void {
    for (const one of statementsOf(source)) {
      const [, call = '', count = ''] = /^\s*(\w+)\s*:\s*(\d{1,12})\s*$/.exec(one.line) ?? [];
      if (call === '') this.syntax(one, 'not a line of `call: count`');
      else this.weights.push(`${count} ${call}`);
    }
  }

  private rule(one: JoinedLine): void {
    const cursor = new Cursor(one.line);
    if (cursor.take(/@/) !== undefined) return;
    const calls = this.head(cursor, one);
    const written = calls === undefined ? undefined : this.body(cursor, one);
    if (calls === undefined || written === undefined) {
      this.syntax(one);
      return;
    }
    const known = calls.filter((call) => this.tables.has(call));
    const unknown = calls.filter((call) => !this.tables.has(call));
    for (const call of unknown) {
      const start = one.source.text.indexOf(call, one.start);
      this.findings.unknownCall({ ...one, start, end: start + call.length }, call);
    }
    if (known.length === 0) return;
    for (const call of known) this.claim(call, one, written.plain);
    for (const [action, where] of written.rules) this.rules.push(ruleText(action, known, where));
  }

  /** A call that another line decides is an error, unless both lines say the same. */
  private claim(call: string, span: Span, plain: string | undefined): void {
    const before = this.decided.get(call);
    if (before === undefined) {
      this.decided.set(call, { span, plain });
    } else if (before.span !== span && (plain === undefined || before.plain !== plain)) {
      const message = `\`${call}\` already has a line`;
      this.findings.error({ code: 'duplicate', span, message, related: before.span });
    }
  }

  /** The calls before the colon. */
  private head(cursor: Cursor, one: JoinedLine): string[] | undefined {
    const several = cursor.take(/\{/) !== undefined;
    const calls: string[] = [];
    do {
      const name = cursor.take(word);
      if (name === undefined) return undefined;
      if (cursor.take(/\[arch=/) !== undefined) {
        const hint = 'Write a policy for each architecture.';
        this.syntax(one, 'a rule for one architecture has no meaning for others', hint);
      }
      calls.push(name);
    } while (several && cursor.take(/,/) !== undefined);
    if (several && cursor.take(/\}/) === undefined) return undefined;
    return cursor.take(/:/) === undefined ? undefined : calls;
  }

  private body(
    cursor: Cursor,
    one: JoinedLine,
  ): { rules: (readonly [string, string])[]; plain: string | undefined } | undefined {
    const action = this.action(cursor, one);
    if (action !== undefined)
      return cursor.ended ? { rules: [[action, '']], plain: action } : undefined;
    const rules: (readonly [string, string])[] = [];
    do {
      const tests: string[] = [];
      do {
        const test = this.test(cursor);
        if (test === undefined) return undefined;
        tests.push(test);
      } while (cursor.take(/&&/) !== undefined);
      rules.push(['allow', tests.join(' and ')]);
    } while (cursor.take(/\|\|/) !== undefined);
    // Without an action of its own, the line ends with the default: later lines must not decide.
    const otherwise = cursor.take(/;/) === undefined ? this.byDefault : this.action(cursor, one);
    if (otherwise === undefined || !cursor.ended) return undefined;
    rules.push([otherwise, '']);
    return { rules, plain: undefined };
  }

  private action(cursor: Cursor, span: Span): string | undefined {
    const start = cursor.at;
    const name = cursor.take(word) ?? '';
    if (name === 'return') {
      const value = cursor.take(word) ?? '';
      const good = /^\d+$/.test(value)
        ? Number(value) <= 4095
        : /^E[A-Z0-9]+$/.test(value) && this.tables.constant(value) !== undefined;
      if (!good) {
        const hint = 'An errno is a name such as EPERM, or 0 to 4095.';
        this.findings.error({ code: 'errno', span, message: 'not an errno', hint });
      }
      return `errno(${value})`;
    }
    const found = Object.hasOwn(actions, name) ? actions[name] : undefined;
    if (found === undefined) cursor.at = start;
    return found;
  }

  private test(cursor: Cursor): string | undefined {
    const arg = cursor.take(/arg[0-5](?![A-Za-z0-9_-])/);
    if (arg === undefined) return undefined;
    const op = cursor.take(/&(?!&)|in(?=[ \t])|==|!=|<=|>=|<|>/);
    const value = op === undefined ? undefined : this.value(cursor);
    if (value === undefined) return undefined;
    if (op === '&') return `${arg} & (${value})`;
    if (op === 'in') return `${arg} & ~(${value}) == 0`;
    // minijail compares without a sign.
    return op === '==' || op === '!=' ? `${arg} ${op} ${value}` : `${arg} as u64 ${op} ${value}`;
  }

  /** Numbers and names joined by `|`, with `~` and parentheses. */
  private value(cursor: Cursor): string | undefined {
    let out = '';
    let open = 0;
    for (let wants = true; ; ) {
      if (wants) {
        const mark = cursor.take(/[~(-]/);
        if (mark === '(') open++;
        if (mark !== undefined) {
          out += mark;
          continue;
        }
        const item = cursor.take(word);
        if (item === undefined) return undefined;
        out += /^0[0-7]/.test(item) ? `0o${item}` : item; // C's octal numbers
        wants = false;
      } else if (open > 0 && cursor.take(/\)/) !== undefined) {
        open--;
        out += ')';
      } else if (cursor.take(/\|(?!\|)/) !== undefined) {
        out += ' | ';
        wants = true;
      } else {
        return open === 0 ? out : undefined;
      }
    }
  }
}

export function readMinijail({ source, files, targets }: FormatInput): FormatResult {
  const findings = new Findings();
  const { rules, byDefault, weights } = new Reader(files, findings).read(source);
  const target = (targets.length > 0 ? targets : ['x86_64']).join(', ');
  const text = `target ${target}\ndefault ${byDefault}\nunknown ${byDefault}\n\n${rules}`;
  return {
    text: findings.failed ? undefined : text,
    diagnostics: findings.list,
    weights: weights === '' ? undefined : weights,
  };
}
