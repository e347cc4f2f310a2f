/**
 * Finds what the end of a program's output names. The program wrote it, so it only ever chooses among what wasbox knows
 * by itself: variables that are set and were not passed, packages that are really missing, ports that are really open.
 */
import type { Language } from './languages.js';

/** The names that the end of an output has. */
export interface LastOutput {
  /** Words that may be names of variables. */
  readonly words: ReadonlySet<string>;
  /** Modules that were not found, each as the language's own code asks for it. */
  readonly imports: Readonly<Record<Language, readonly string[]>>;
  /** Ports of this machine's loopback where a connection was refused. */
  readonly ports: readonly number[];
  /** Limits at which it says that it was refused more. */
  readonly limits: ReadonlySet<'open-files' | 'pids'>;
}

/** Bytes that are looked through, and entries of each kind that count. */
const [bytesMax, entriesMax] = [1 << 15, 12];

/** Each part of a form is of bounded length, so that no text makes the search slow. */
const missing: Readonly<Record<Language, readonly [form: RegExp, code: (name: string) => string]>> =
  {
    Python: [/\bNo module named ['"]?([A-Za-z_]\w{0,99})(?!\w)/g, (name) => `import ${name}`],
    Node: [
      /\bCannot find (?:package|module) ['"]((?:@[\w.~-]{1,99}\/)?[\w~][\w.~-]{0,99})(?:\/[^'"\n]{0,200})?['"]/g,
      (name) => `require('${name}')`,
    ],
    Ruby: [
      /\bcannot load such file -- ([a-z][\w/-]{0,99})(?![\w/.-])/g,
      (name) => `require '${name}'`,
    ],
  };

const refused = /refused|ECONNREFUSED|\b(?:could(?: not|n't)|can(?:not|'t)) connect\b/i;
const port =
  /(?<![\w.])(?:localhost|127\.0\.0\.1|::1\]?)["')]{0,3}(?: \([^()]{0,60}\))?(?::|,? port[ =:]{1,2})(\d{2,5})(?!\d)/g;
/** Messages of the C library, of shells, and of languages about what only a limit refuses. */
const full = {
  'open-files': /\bToo many open files\b|\bEMFILE\b/,
  pids: /\bCannot fork\b|\bfork: (?:retry: )?Resource temporarily unavailable\b|\bcan(?:'t|not) (?:start|create|spawn) (?:a )?(?:new )?(?:native )?thread\b|\bpthread_create\b[^\n]{0,60}\b(?:EAGAIN|Resource temporarily unavailable)|\bspawn \S{1,99} EAGAIN\b|\bBlockingIOError: \[Errno 11\] Resource temporarily/,
} as const;
/** A longer line is no message for people. */
const lineMax = 1000;

/** Matches what only steers a terminal. */
const steering = new RegExp(`${String.fromCharCode(27)}\\[[0-9;:?]*[A-Za-z]`, 'g');

const each = (text: string, form: RegExp): string[] =>
  [...new Set([...text.matchAll(form)].map(([, name = '']) => name))].slice(0, entriesMax);

const portsIn = (text: string): number[] => {
  const lines = text.split('\n').filter((line) => line.length <= lineMax && refused.test(line));
  return each(lines.join('\n'), port)
    .map(Number)
    .filter((number) => number > 0 && number < 65_536);
};

/** @param tail the end of what a program wrote; undefined where wasbox did not see it */
export function lastOutputOf(tail: Uint8Array | undefined): LastOutput {
  const bytes = tail?.subarray(-bytesMax);
  const text = new TextDecoder('latin1').decode(bytes).replace(steering, '');
  const code = (language: Language): string[] =>
    each(text, missing[language][0]).map(missing[language][1]);
  return {
    words: new Set(text.match(/[A-Za-z_][A-Za-z0-9_]*/g)),
    imports: { Python: code('Python'), Node: code('Node'), Ruby: code('Ruby') },
    ports: portsIn(text),
    limits: new Set((['open-files', 'pids'] as const).filter((limit) => full[limit].test(text))),
  };
}
