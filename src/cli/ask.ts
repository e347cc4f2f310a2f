/**
 * Questions at the terminal (`--ask`). The program has a terminal of its own meanwhile,
 * which is not relayed: it neither sees the question nor the answer, and cannot draw over it.
 */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import type { ReadStream } from 'node:tty';
import type { Ask, Decision, Question } from '../ask/index.js';
import type { Asking, Launched } from '../launch/index.js';
import type { AskingSpec } from '../resolve/index.js';
import { displayText, escapedNote } from '../text/index.js';
import { allowsFrom, KeyReader } from './ask-keys.js';

/** Milliseconds until a program that was shown a smaller screen is shown the real one. */
const redrawMs = 120;
/** Milliseconds between two looks whether the relay has stopped. */
const holdMs = 10;
/** Milliseconds in which Enter still belongs to the answer: people type it after a letter. It is no input of the program. */
const enterMs = 600;
/** The most that is shown of an argument vector, and of a path before its middle is left out. */
const maxArgv = 300;
const maxText = 1200;

const answers: Readonly<Record<string, readonly [Decision, string]>> = {
  y: ['allow', 'allowed, once'],
  a: ['allow-run', 'allowed for this run'],
  n: ['deny', 'denied'],
  s: ['stop', 'denied; the run was stopped'],
  '\u0003': ['stop', 'denied; the run was stopped'], // Ctrl-C
};

/** How `wasbox run --ask` asks. */
export function terminalAsking(spec: AskingSpec, target: () => Launched | undefined): Asking {
  if (spec.at !== 'terminal') {
    const why = spec.at === 'nowhere' ? spec.why : 'the program is asked';
    return { ask: why, timeoutMs: 0 };
  }
  const { relayed, keyboard } = spec;
  const prompt = new Prompt(relayed ? target : undefined, !keyboard);
  return { ask: prompt.ask, timeoutMs: 0, terminal: relayed };
}

const openTerminal = (): number =>
  openSync('/dev/tty', constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

class Prompt {
  readonly #relay: (() => Launched | undefined) | undefined;
  /** One question at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  /** When the last question was withdrawn that was shown. */
  #withdrawn: number | undefined;

  /** True if the terminal still makes lines of what is typed. */
  readonly #cooked: boolean;

  constructor(relay: (() => Launched | undefined) | undefined, cooked: boolean) {
    this.#relay = relay;
    this.#cooked = cooked;
  }

  readonly ask: Ask = (question, { signal }) => {
    const answer = this.#turn.then(() => (signal.aborted ? 'deny' : this.#show(question, signal)));
    this.#turn = answer.catch(() => {});
    return answer;
  };

  async #show(question: Question, signal: AbortSignal): Promise<Decision> {
    // The question may be here before the start has been told; and what the program has written by
    // now is written first.
    let screen = this.#relay?.()?.screen;
    let suspension = screen?.suspendRelay();
    while (this.#relay !== undefined && suspension === undefined) {
      await pause(holdMs);
      if (signal.aborted) return 'deny';
      screen = this.#relay()?.screen;
      suspension = screen?.suspendRelay();
    }
    const output = openTerminal();
    try {
      const now = performance.now();
      const from = allowsFrom(now, this.#withdrawn);
      put(output, (suspension?.begin ?? '') + questionText(question, from > now));
      const [decision, said] = await this.#answer(signal, from);
      if (signal.aborted) this.#withdrawn = performance.now();
      put(output, `${said}\r\n${suspension?.end ?? ''}`);
      return decision;
    } finally {
      screen?.resumeRelay();
      if (screen !== undefined && suspension?.redraw === true) {
        screen.redraw(true);
        setTimeout(() => screen.redraw(false), redrawMs);
      }
      closeSync(output);
    }
  }

  /** Waits for a key that is an answer, or until none is wanted any more. */
  async #answer(signal: AbortSignal, from: number): Promise<readonly [Decision, string]> {
    const { ReadStream } = process.getBuiltinModule('node:tty');
    const input: ReadStream = new ReadStream(openTerminal());
    if (this.#cooked) input.setRawMode(true);
    try {
      return await new Promise((resolve) => {
        let typed: (typeof answers)[string] | undefined;
        const keys = new KeyReader((key) => {
          const answer = answers[key];
          const allows = answer?.[0] === 'allow' || answer?.[0] === 'allow-run';
          if (answer === undefined || (allows && performance.now() < from)) return;
          typed = answer;
          setTimeout(() => resolve(answer), enterMs);
        });
        const gone = () => resolve(['deny', 'no longer needed: the program stopped waiting']);
        input.on('data', (chunk: Buffer) => {
          if (typed === undefined) keys.take(chunk);
          else resolve(typed);
        });
        input.once('error', () => resolve(['deny', 'denied: the terminal is gone']));
        input.once('end', () => resolve(['deny', 'denied: the terminal is gone']));
        signal.addEventListener('abort', gone, { once: true });
        if (signal.aborted) gone();
      });
    } finally {
      if (this.#cooked) input.setRawMode(false);
      input.destroy();
    }
  }
}

/** Writes the whole text at once; a terminal that does not take it cannot be asked at. */
function put(fd: number, text: string): void {
  let bytes = Buffer.from(text);
  const end = performance.now() + 1000;
  while (bytes.length > 0 && performance.now() < end) {
    try {
      bytes = bytes.subarray(writeSync(fd, bytes));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}

/** The beginning and the end of what is too long to be shown, with how much is missing. */
function shortened(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const half = Math.floor(limit / 2);
  const missing = text.length - 2 * half;
  return `${text.slice(0, half)} …(${missing} more characters)… ${text.slice(-half)}`;
}

/**
 * The question as it is shown, every text from the program escaped.
 * @param exchanged whether it takes the place of one that was withdrawn
 */
export function questionText(question: Question, exchanged = false): string {
  const { pid, executable, argv, truncated } = question.process;
  const words = argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word)));
  const command = shortened(displayText(words.join(' ')), maxArgv) + (truncated ? ' …' : '');
  const named =
    question.kind === 'file' && question.requested !== question.path
      ? [`  requested as ${shortened(displayText(question.requested), maxText)}`]
      : [];
  const place =
    question.kind === 'network' && question.address !== undefined && question.name !== undefined
      ? [`  which is ${question.address}`]
      : [];
  const host =
    question.kind === 'file' && question.access !== 'read'
      ? ['  Writes change your real file.']
      : [];
  // The sender of a packet, and of a query to the resolver, is not known.
  const asker =
    pid === 0
      ? []
      : [`process ${pid}: ${shortened(displayText(executable), maxArgv)}`, `  ${command}`];
  const about = [
    `  ${shortened(displayText(question.text), maxText)}`,
    ...named,
    ...place,
    ...host,
    ...asker,
  ];
  const escaped = escapedNote(about);
  const lines = [
    ...(exchanged ? ['wasbox: the previous question was withdrawn; this is a new one'] : []),
    'wasbox: the program wants to',
    ...about,
    ...(escaped === undefined ? [] : [`  ${escaped}`]),
    '',
    'y allow once   a allow for this run   n deny   s deny and stop the run',
    '? ',
  ];
  return lines.join('\r\n');
}
