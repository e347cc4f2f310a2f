/**
 * kafel's policies, as nsjail has them.
 *
 *   #define STDOUT 1
 *   POLICY io { ALLOW { write(fd, data) { fd == STDOUT || !(fd & 4 == 4) }, read } ERRNO(1) { open } }
 *   USE io DEFAULT KILL
 *
 * The first matching filter decides. A condition joins comparisons by `&&`, `||` and `!`; numbers
 * have no sign, and an argument has as many bits as the kernel reads.
 */
import { type Expression, TooComplex, termsOf, termText } from './boolean.js';
import { ruleText, Tables } from './calls.js';
import { Findings, type FormatInput, type FormatResult, type Span } from './findings.js';
import { type Token, tokensOf } from './kafel-tokens.js';

interface Filter {
  readonly action: string;
  readonly call: string;
  readonly terms: ReturnType<typeof termsOf>;
}

const actions: Readonly<Record<string, string>> = {
  ALLOW: 'allow',
  LOG: 'log',
  KILL: 'kill_thread',
  DENY: 'kill_thread',
  KILL_PROCESS: 'kill_process',
  USER_NOTIF: 'notify',
};

const deepest = 64;
const mostFilters = 16384;

/** Ends the reading at the first error: what follows would be guesses. */
class Stop extends Error {}

class Parser {
  readonly findings: Findings;
  private readonly tokens: readonly Token[];
  private readonly tables: Tables;
  private readonly constants = new Map<string, bigint>();
  private readonly policies = new Map<string, readonly Filter[]>();
  private readonly main: Filter[] = [];
  private byDefault: string | undefined;
  private at = 0;

  constructor(tokens: readonly Token[], findings: Findings, tables: Tables) {
    this.tokens = tokens;
    this.findings = findings;
    this.tables = tables;
  }

  read(): { filters: readonly Filter[]; byDefault: string } {
    while (this.at < this.tokens.length) {
      if (this.accept('#define')) this.define();
      else if (this.accept('POLICY')) this.policy();
      else if (this.accept('DEFAULT')) this.setDefault();
      else if (!this.accept(';') && !this.accept(',')) this.statement(this.main);
    }
    return { filters: this.main, byDefault: this.byDefault ?? 'kill_thread' };
  }

  private get here(): Span {
    const last = this.tokens.at(-1);
    return this.tokens[this.at] ?? last ?? { source: { name: '', text: '' }, start: 0, end: 0 };
  }

  private fail(message: string, span: Span = this.here, hint?: string): never {
    this.findings.error({ code: 'syntax', span, message, hint });
    throw new Stop();
  }

  private accept(text: string): boolean {
    const token = this.tokens[this.at];
    if (token?.text !== text || token.kind === 'string') return false;
    this.at++;
    return true;
  }

  private expect(text: string): void {
    if (!this.accept(text)) this.fail(`expected \`${text}\``);
  }

  private take(kind: Token['kind'], what: string): Token {
    const token = this.tokens[this.at];
    if (token?.kind !== kind) return this.fail(`expected ${what}`);
    this.at++;
    return token;
  }

  private define(): void {
    const name = this.take('word', 'a name').text;
    this.constants.set(name, this.value());
  }

  private setDefault(): void {
    const span = this.here;
    const action = this.action();
    if (this.byDefault !== undefined) this.fail('a second DEFAULT', span);
    this.byDefault = action;
  }

  private policy(): void {
    const name = this.take('word', 'the name of the policy');
    if (this.policies.has(name.text)) this.fail(`\`${name.text}\` is defined twice`, name);
    const filters: Filter[] = [];
    this.expect('{');
    while (!this.accept('}')) if (!this.accept(',') && !this.accept(';')) this.statement(filters);
    this.policies.set(name.text, filters);
  }

  /** `USE a, b`, or an action with its filters. */
  private statement(filters: Filter[]): void {
    if (this.accept('USE')) {
      do {
        const name = this.take('word', 'a policy');
        const used = this.policies.get(name.text);
        if (used === undefined) this.fail(`unknown policy \`${name.text}\``, name);
        this.add(filters, used);
      } while (this.accept(','));
      return;
    }
    const action = this.action();
    this.expect('{');
    while (!this.accept('}'))
      if (!this.accept(',') && !this.accept(';')) this.add(filters, this.filter(action));
  }

  private add(filters: Filter[], more: readonly Filter[]): void {
    if (filters.length + more.length > mostFilters) this.fail('more than 16384 filters');
    filters.push(...more);
  }

  private action(): string {
    const word = this.take('word', 'an action');
    const plain = Object.hasOwn(actions, word.text) ? actions[word.text] : undefined;
    if (plain !== undefined) return plain;
    const most = { ERRNO: 4095n, TRAP: 65535n, TRACE: 65535n }[word.text];
    if (most === undefined) return this.fail(`unknown action \`${word.text}\``, word);
    let value = 0n;
    if (this.accept('(')) {
      value = this.value();
      this.expect(')');
    }
    if (value > most) this.fail(`${word.text} takes at most ${most}`, word);
    if (word.text === 'TRAP' && value !== 0n) {
      const message = 'a trap carries no number here; the signal tells the call';
      this.findings.warning({ code: 'trap-value', span: word, message });
    }
    return word.text === 'TRAP' ? 'trap' : `${word.text.toLowerCase()}(${value})`;
  }

  /** `call`, `call { condition }`, `call(names) { condition }`; none for a call that is not known. */
  private filter(action: string): Filter[] {
    const name = this.call();
    const known = this.tables.has(name.text);
    if (!known) this.findings.unknownCall(name, name.text);
    const args = this.tables.argumentsOf(name.text);
    let names = args.map((argument) => argument.name);
    if (this.accept('(')) {
      names = [];
      while (!this.accept(')')) {
        names.push(this.take('word', 'the name of an argument').text);
        if (!this.accept(',') && this.tokens[this.at]?.text !== ')') this.expect(')');
      }
      if (known && args.length > 0 && names.length > args.length)
        this.fail(`\`${name.text}\` has ${args.length} arguments`, name);
    }
    if (!this.accept('{')) return known ? [{ action, call: name.text, terms: [[]] }] : [];
    const widths = args.map(({ bits }) => (bits > 32 ? 64 : 32) as 32 | 64);
    const condition = this.either(names, widths, known, 0);
    this.expect('}');
    try {
      return known ? [{ action, call: name.text, terms: termsOf(condition) }] : [];
    } catch (error) {
      if (!(error instanceof TooComplex)) throw error;
      return this.fail('the condition has too many cases', name);
    }
  }

  private call(): Token {
    const word = this.take('word', 'a system call');
    if (word.text !== 'SYSCALL' || !this.accept('[')) return word;
    const number = this.value();
    this.expect(']');
    const name = this.tables.nameOf(Number(number));
    if (name === undefined) this.fail(`no system call has the number ${number}`, word);
    return { ...word, text: name ?? '' };
  }

  private either(
    names: readonly string[],
    widths: readonly (32 | 64)[],
    known: boolean,
    depth: number,
  ): Expression {
    let left = this.both(names, widths, known, depth);
    while (this.accept('||')) {
      const right = this.both(names, widths, known, depth);
      left = { kind: 'or', left, right };
    }
    return left;
  }

  private both(
    names: readonly string[],
    widths: readonly (32 | 64)[],
    known: boolean,
    depth: number,
  ): Expression {
    let left = this.one(names, widths, known, depth);
    while (this.accept('&&')) {
      const right = this.one(names, widths, known, depth);
      left = { kind: 'and', left, right };
    }
    return left;
  }

  private one(
    names: readonly string[],
    widths: readonly (32 | 64)[],
    known: boolean,
    depth: number,
  ): Expression {
    if (depth > deepest) this.fail('the condition is nested too deeply');
    if (this.accept('!')) return { kind: 'not', of: this.one(names, widths, known, depth + 1) };
    if (this.tokens[this.at]?.text === '(' && !this.isMasked()) {
      this.at++;
      const inner = this.either(names, widths, known, depth + 1);
      this.expect(')');
      return inner;
    }
    return this.comparison(names, widths, known);
  }

  /** `(argument & mask) op value`, not a condition in parentheses. */
  private isMasked(): boolean {
    let at = this.at + 1;
    if (this.tokens[at]?.kind !== 'word' || this.tokens[at + 1]?.text !== '&') return false;
    for (let open = 0; at < this.tokens.length; at++) {
      const text = this.tokens[at]?.text;
      if (text === '(') open++;
      else if (text === ')' && open-- === 0)
        return /^[=!<>]=?$/.test(this.tokens[at + 1]?.text ?? '');
      else if (/^([=!]=|[<>]=?|&&|\|\||[{}])$/.test(text ?? '')) return false;
    }
    return false;
  }

  private comparison(
    names: readonly string[],
    widths: readonly (32 | 64)[],
    known: boolean,
  ): Expression {
    const inside = this.accept('(');
    const name = this.take('word', 'an argument');
    const arg = names.indexOf(name.text);
    if (arg < 0 && known) {
      const hint = names.length === 0 ? undefined : `It has: ${names.join(', ')}.`;
      this.fail(`the call has no argument \`${name.text}\``, name, hint);
    }
    const mask = this.accept('&') ? this.value() : undefined;
    if (inside) this.expect(')');
    const op = this.take('mark', 'a comparison');
    if (!/^([=!]=|[<>]=?)$/.test(op.text)) this.fail('expected a comparison', op);
    const value = this.value();
    const width = widths[arg] ?? 64;
    const test = { arg: Math.max(arg, 0), width, mask, op: op.text as '==', value };
    return { kind: 'test', test };
  }

  /** Numbers and constants, joined by `|`. */
  private value(): bigint {
    let sum = this.term();
    while (this.accept('|')) sum |= this.term();
    return sum;
  }

  private term(): bigint {
    if (this.accept('(')) {
      const value = this.value();
      this.expect(')');
      return value;
    }
    if (this.accept('~')) return BigInt.asUintN(64, ~this.term());
    const token = this.tokens[this.at];
    if (token?.kind === 'number') {
      this.at++;
      const octal = /^0[0-7]+$/.test(token.text);
      if (/^0\d/.test(token.text) && !octal) this.fail('not an octal number', token);
      const value = BigInt(octal ? `0o${token.text.slice(1)}` : token.text);
      if (value >= 1n << 64n) this.fail('the number has more than 64 bits', token);
      return value;
    }
    const word = this.take('word', 'a value');
    const value = this.constants.get(word.text) ?? this.tables.constant(word.text);
    return value ?? this.fail(`unknown constant \`${word.text}\``, word);
  }
}

export function readKafel({ source, files, targets }: FormatInput): FormatResult {
  const findings = new Findings();
  const target = targets[0] ?? 'x86_64';
  const tokens = tokensOf(source, files, findings);
  if (findings.failed) return { text: undefined, diagnostics: findings.list };
  try {
    const { filters, byDefault } = new Parser(tokens, findings, new Tables(target)).read();
    const rules = filters.flatMap(({ action, call, terms }) =>
      terms.map((term) => ruleText(action, [call], termText(term))),
    );
    const head = `target ${(targets.length > 0 ? targets : [target]).join(', ')}\ndefault ${byDefault}\nunknown ${byDefault}\n\n`;
    return { text: head + rules.join(''), diagnostics: findings.list };
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    return { text: undefined, diagnostics: findings.list };
  }
}
