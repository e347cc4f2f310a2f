/** Reads what a file's first bytes say about how it runs: `#!` lines and ELF. */

export interface Shebang {
  /** The interpreter as written. */
  readonly interpreter: string;
  /** Words between the interpreter and the script. */
  readonly words: readonly string[];
  /**
   * Set where the interpreter is env(1): the words before the program that it starts (options and
   * assignments), and the program that PATH finds.
   */
  readonly env?: { readonly before: readonly string[]; readonly program: string } | undefined;
}

/** How much of a file is enough to tell what it is. */
export const headLength = 4096;

export function isElf(head: Uint8Array): boolean {
  return head[0] === 0x7f && head[1] === 0x45 && head[2] === 0x4c && head[3] === 0x46;
}

/** Strict: a byte-order mark or a byte that is not UTF-8 must not be read as something else. */
let decoder: TextDecoder | undefined;

function decode(bytes: Uint8Array): string | undefined {
  try {
    decoder ??= new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * The `#!` line at the beginning of a file; undefined where there is none, or none that means
 * anything. As the kernel reads it (fs/binfmt_script.c), only space and tab are white space.
 */
export function readShebang(head: Uint8Array): Shebang | undefined {
  if (head[0] !== 0x23 || head[1] !== 0x21) return undefined;
  const end = head.indexOf(0x0a);
  const bytes = head.subarray(2, end < 0 ? head.length : end);
  // A carriage return is what an editor on Windows leaves; the kernel would look for `sh\r`.
  const line = decode(bytes)?.replace(/\r$/, '');
  if (line === undefined || line.includes('\0')) return undefined;
  const match = /^[ \t]*([^ \t]+)(?:[ \t]+(.*?))?[ \t]*$/s.exec(line);
  if (match === null) return undefined;
  const interpreter = match[1] ?? '';
  const rest = match[2];
  if (/(^|\/)env$/.test(interpreter)) return readEnv(interpreter, rest ?? '');
  // The kernel passes all that follows as one word.
  return { interpreter, words: rest ? [rest] : [] };
}

/** `uv run --script`: Python with the packages of the script's block, which wasbox installs itself. */
const isUvScript = (program: string, [action, ...words]: readonly string[]): boolean =>
  program === 'uv' &&
  action === 'run' &&
  (words.includes('--script') || words.includes('-s') || words.every((one) => one.startsWith('-')));

function readEnv(interpreter: string, rest: string): Shebang | undefined {
  const split = /^(?:-S|--split-string=?)\s*(.*)$/.exec(rest);
  const words = split === null ? (rest === '' ? [] : [rest]) : splitWords(split[1] ?? '');
  const before: string[] = [];
  let index = 0;
  for (; index < words.length; index++) {
    const word = words[index] ?? '';
    if (word === '-u' || word === '--unset' || word === '-C')
      before.push(word, words[++index] ?? '');
    else if (word.startsWith('-') || word.includes('=')) before.push(word);
    else break;
  }
  const program = words[index];
  if (program === undefined) return { interpreter, words };
  if (isUvScript(program, words.slice(index + 1)))
    return { interpreter, words: [], env: { before: [], program: 'python3' } };
  return { interpreter, words: words.slice(index + 1), env: { before, program } };
}

/** Words as `env -S` splits them: quotes and backslashes, no variables. */
function splitWords(text: string): string[] {
  const words: string[] = [];
  for (const match of text.matchAll(/(?:"(?:\\.|[^"])*"|'[^']*'|\\.|[^\s"'\\])+/g)) {
    words.push(
      match[0].replace(/"((?:\\.|[^"])*)"|'([^']*)'|\\(.)/g, (_all, double, single, escaped) =>
        double !== undefined ? double.replace(/\\(.)/g, '$1') : (single ?? escaped ?? ''),
      ),
    );
  }
  return words;
}
