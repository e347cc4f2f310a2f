/**
 * Reads what `wasbox diff` printed, by the letter and by nothing else: entries, hunks and `#` lines.
 * Bytes are text of one character a byte.
 */

export interface Hunk {
  readonly start: number;
  readonly lines: readonly string[];
}

export interface Entry {
  readonly old: string;
  readonly now: string;
  readonly mode?: string | undefined;
  readonly deleted: boolean;
  readonly added: boolean;
  readonly binary: boolean;
  readonly hunks: readonly Hunk[];
}

export interface Read {
  readonly entries: readonly Entry[];
  /** Notes of the `#` lines, by path. */
  readonly notes: ReadonlyMap<string, readonly string[]>;
}

/** A path as a patch has it: plain, or in quotes with escapes of git's. */
export function unquote(shown: string): string {
  if (!shown.startsWith('"')) return Buffer.from(shown).toString('latin1');
  const simple: Record<string, string> = { n: '\n', t: '\t', r: '\r' };
  return Buffer.from(shown.slice(1, -1))
    .toString('latin1')
    .replace(/\\([0-3][0-7]{2}|.)/g, (_, code: string) =>
      code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : (simple[code] ?? code),
    );
}

/** A line's bytes from how it is shown. */
export function unescapeLine(shown: string): string {
  const bytes: string[] = [];
  for (const piece of shown.split(/(<(?:U\+[0-9A-F]{4,6}|[0-9A-F]{2})>)/)) {
    const code = /^<(?:U\+([0-9A-F]+)|([0-9A-F]{2}))>$/.exec(piece);
    if (code?.[1] !== undefined) {
      bytes.push(
        Buffer.from(String.fromCodePoint(Number.parseInt(code[1], 16))).toString('latin1'),
      );
    } else if (code?.[2] !== undefined) {
      bytes.push(String.fromCharCode(Number.parseInt(code[2], 16)));
    } else bytes.push(Buffer.from(piece).toString('latin1'));
  }
  return bytes.join('');
}

const path = '("(?:[^"\\\\]|\\\\.)*"|[^"].*?)';
const notePattern = new RegExp(`^# ${path}: (.*)$`);

/** @param text as people see it */
export function readDiff(text: string): Read {
  const lines = text.split('\n');
  if (lines.pop() !== '') throw new Error('the last line does not end');
  const entries: Entry[] = [];
  const notes = new Map<string, string[]>();
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    const found = pattern.exec(lines[at] ?? '');
    if (found !== null) at++;
    return found;
  };
  while (at < lines.length) {
    const note = take(notePattern);
    if (note !== null) {
      const key = unquote(note[1] ?? '');
      notes.set(key, [...(notes.get(key) ?? []), note[2] ?? '']);
      continue;
    }
    const header = take(/^diff --git (.*)$/);
    if (header === null) throw new Error(`what is this line? ${lines[at]}`);
    const deleted = take(/^deleted file mode (\d+)$/);
    const added = take(/^new file mode (\d+)$/);
    take(/^old mode (\d+)$/);
    const mode = take(/^new mode (\d+)$/) ?? added;
    take(/^similarity index (\d+)%$/);
    const from = take(/^rename from (.*)$/);
    const to = take(/^rename to (.*)$/);
    const names = header[1] ?? '';
    // Both names are the same but for their first letter, where it is not a rename.
    const one = unquote(names.slice(0, (names.length - 1) / 2)).slice(2);
    const binary = take(/^Binary files .* differ$/) !== null;
    const hunks: Hunk[] = [];
    if (take(/^--- /) !== null) {
      if (take(/^\+\+\+ /) === null) throw new Error('no +++ line');
      for (let range = take(/^@@ -(\d+),(\d+) \+\d+,(\d+) @@$/); range !== null; ) {
        let [old, now] = [Number(range[2]), Number(range[3])];
        const body: string[] = [];
        while (old > 0 || now > 0 || lines[at]?.startsWith('\\') === true) {
          const line = unescapeLine(lines[at++] ?? '');
          if (line[0] === ' ' || line[0] === '-') old--;
          if (line[0] === ' ' || line[0] === '+') now--;
          if (!/^[ +\-\\]/.test(line)) throw new Error(`no line of a hunk: ${line}`);
          body.push(line);
        }
        hunks.push({ start: Number(range[1]), lines: body });
        range = take(/^@@ -(\d+),(\d+) \+\d+,(\d+) @@$/);
      }
    }
    entries.push({
      old: from === null ? one : unquote(from[1] ?? ''),
      now: to === null ? one : unquote(to[1] ?? ''),
      mode: mode?.[1],
      deleted: deleted !== null,
      added: added !== null,
      binary,
      hunks,
    });
  }
  return { entries, notes };
}

/** The content that hunks make of one; throws where they do not fit. */
export function patched(content: string, hunks: readonly Hunk[]): string {
  const old = content.split(/(?<=\n)/);
  if (content === '') old.pop();
  const out: string[] = [];
  let at = 0;
  for (const { start, lines } of hunks) {
    const first = Math.max(start - 1, 0);
    while (at < first) out.push(old[at++] ?? '');
    for (const [n, line] of lines.entries()) {
      if (line[0] === '\\') continue;
      const whole = line.slice(1) + (lines[n + 1]?.[0] === '\\' ? '' : '\n');
      if (line[0] !== '+' && old[at++] !== whole) throw new Error(`does not fit: ${line}`);
      if (line[0] !== '-') out.push(whole);
    }
  }
  return out.join('') + old.slice(at).join('');
}
