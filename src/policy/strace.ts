/** Reads the log of strace(1): one call a line, with the arguments it can make out. */
import { constantValue } from '../core/index.js';

/** A line of the log that is a call. */
export interface TracedCall {
  readonly line: number;
  readonly pid: number | undefined;
  readonly name: string;
  /** Values; undefined where the log shows something else than a number, a string for instance. */
  readonly args: readonly (bigint | undefined)[];
  readonly text: string;
}

/** Other lines: `none` if strace writes such lines, `unread` if not. */
type LogLine = TracedCall | 'none' | 'unread';

/** `[pid 12]`, `12`, a time, or `0.000012`, each optional, as -f, -t, -r and -o write them. */
const prefix = /^\s*(?:\[pid\s+(\d+)\]\s+|(\d+)\s+)?(?:\d\d:\d\d:\d\d(?:\.\d+)?\s+|\d+\.\d+\s+)?/;
const start = /^([a-z_][a-z0-9_]*)\(/;

/** The second half of a call, a signal, an exit, a frame of -k, and messages of strace itself. */
const noCall = /^(?:<\.\.\. .*|--- .* ---|\+\+\+ .* \+\+\+|> .*|strace: .*|)\s*$/;

const closing: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** Splits an argument list at its top-level commas; stops at the closing parenthesis. */
function splitArguments(text: string): string[] {
  const found: string[] = [];
  const open: string[] = [];
  let at = 0;
  let from = 0;
  let quoted = false;
  for (; at < text.length; at++) {
    const c = text[at] ?? '';
    if (quoted) {
      if (c === '\\') at++;
      else if (c === '"') quoted = false;
    } else if (c === '"') {
      quoted = true;
    } else if (closing[c] !== undefined) {
      open.push(closing[c]);
    } else if (open.length > 0 && c === open.at(-1)) {
      open.pop();
    } else if (open.length === 0 && (c === ')' || c === ',' || c === '<')) {
      if (c === '<' && !text.startsWith('<unfinished', at)) continue;
      found.push(text.slice(from, at).trim());
      from = at + 1;
      if (c !== ',') break;
    }
  }
  if (found.length === 0 && from < text.length) found.push(text.slice(from).trim());
  return found.length === 1 && found[0] === '' ? [] : found.filter((part) => part !== '');
}

/** A number, constants joined by `|`, or `NAME=value` as clone shows it. */
function readValue(arch: number, text: string): bigint | undefined {
  const word = text
    .replace(/^[a-z_]+=/, '')
    .replace(/<[^>]*>$/, '')
    .replace(/\s*\/\*.*\*\/$/, '');
  if (word === 'NULL') return 0n;
  let value = 0n;
  for (const part of word.split('|')) {
    const number = /^-?(?:0x[\da-f]+|\d+)$/i.test(part);
    if (number) {
      const octal = /^0[0-7]+$/.test(part);
      const magnitude = BigInt(octal ? `0o${part.slice(1)}` : part.replace('-', ''));
      value |= part.startsWith('-') ? BigInt.asUintN(64, -magnitude) : magnitude;
      continue;
    }
    const constant = /^[A-Z][A-Z0-9_]*$/.test(part) ? constantValue(arch, part) : undefined;
    if (constant === undefined) return undefined;
    value |= constant;
  }
  return value;
}

function readLine(text: string, line: number, arch: number): LogLine {
  const [head = '', bracketed, bare] = prefix.exec(text) ?? [];
  const body = text.slice(head.length);
  const name = start.exec(body)?.[1];
  if (name === undefined) return noCall.test(body) ? 'none' : 'unread';
  const pid = bracketed ?? bare;
  const parts = splitArguments(body.slice(name.length + 1)).slice(0, 6);
  // strace prints clone's arguments by name and in another order.
  const flags = parts.find((part) => part.startsWith('flags='));
  const ordered = name === 'clone' && flags !== undefined ? [flags] : parts;
  return {
    line,
    pid: pid === undefined ? undefined : Number(pid),
    name,
    args: ordered.map((part) => readValue(arch, part)),
    text,
  };
}

/** Finds the calls of a log, and counts lines that strace does not write. */
export function readStrace(log: string, arch: number) {
  const calls: TracedCall[] = [];
  let unread = 0;
  let firstUnread: number | undefined;
  for (const [index, text] of log.split('\n').entries()) {
    const found = readLine(text, index + 1, arch);
    if (found === 'none') continue;
    if (found === 'unread') {
      unread++;
      firstUnread ??= index + 1;
    } else {
      calls.push(found);
    }
  }
  return { calls, unread, firstUnread };
}
